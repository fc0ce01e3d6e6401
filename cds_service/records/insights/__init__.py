"""What the records say, as numbers: nothing here writes."""
