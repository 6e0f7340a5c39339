"""How sure are the models, where they are right and where they are wrong?"""
