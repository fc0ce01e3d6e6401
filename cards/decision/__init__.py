"""Findings in, outcome and messages out."""
