"""Would the loss help on labels of one's own?"""
