"""One patient: what was received, read into entries that the criteria ask for by concept."""
