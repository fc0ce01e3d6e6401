"""Replay: what the hooks would have said of past orders, from a bulk export of a year's records."""
