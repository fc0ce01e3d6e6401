"""A hook call from admission to answer."""
