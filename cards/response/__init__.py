"""Advice as CDS Hooks cards, shaped for a client."""
