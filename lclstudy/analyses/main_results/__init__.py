"""Do the results of Tables 1, 2, 4 and 5 come out again, and is LCL better than what it is compared with?"""
