"""Which sets of classes are the most confusable, and are they those of the paper?"""
