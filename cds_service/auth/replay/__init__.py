"""Which tokens were used already, remembered where all workers see it."""
