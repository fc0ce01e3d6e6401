"""The report of a replay: figures over its rows, without patient data, as a page, as JSON, and a list for review."""
