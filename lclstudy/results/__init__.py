"""What is known of runs: records, frozen results and their tables; what the papers print; which runs stand for a system."""
