"""Findings in, advice out: the decision, the cards, their wording, the suggested orders. Knows nothing of Flask."""
