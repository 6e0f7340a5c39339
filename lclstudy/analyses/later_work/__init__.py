"""Where does LCL stand among what came after, and is its gain larger than the difference between two groups' baselines?"""
