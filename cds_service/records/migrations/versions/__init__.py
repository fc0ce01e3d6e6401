"""One module for each layout that was ever released."""
