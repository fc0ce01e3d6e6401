"""The scenarios for people: what the service is tested with, and what it must answer."""
