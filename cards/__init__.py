"""Findings in, advice out: the decision, the cards, their wording and the orders they suggest. Knows nothing of Flask."""
