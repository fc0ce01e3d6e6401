"""The statements, messages and words of the guideline."""
