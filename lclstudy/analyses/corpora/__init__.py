"""What are the corpora like?"""
