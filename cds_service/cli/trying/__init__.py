"""Sending a test call to a running service, and saying why it was answered with silence."""
