"""What does the follow-up report's grid give when it is run?"""
