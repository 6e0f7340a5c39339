"""Do the numbers that the two papers print agree with each other and with public data?"""
