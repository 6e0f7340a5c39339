"""Which claims of both papers hold?"""
