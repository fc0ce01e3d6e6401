"""Code systems, value sets and the index that finds the concepts of a code."""
