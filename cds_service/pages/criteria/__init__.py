"""The criteria page: every rule in force, and a gallery of the cards."""
