"""What does each loss do to the geometry of a batch?"""
