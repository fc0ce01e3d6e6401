"""Our own questions: their table, and the fixed words in which answers are written into an order and read back."""
