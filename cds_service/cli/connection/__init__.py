"""Trying whether a client can be connected: one module for each thing that is tried."""
