"""The page that explains a message."""
