"""Bundled requests, and invented records of calls and answers."""
