"""The API page."""
