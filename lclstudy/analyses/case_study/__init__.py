"""Does the loss help most on the most confusable classes?"""
