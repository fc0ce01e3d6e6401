"""The criteria of the guideline: one function each, from facts to a finding."""
