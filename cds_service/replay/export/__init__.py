"""A bulk export as it lies on a disk: its files, its lines, and whose resource each line is."""
