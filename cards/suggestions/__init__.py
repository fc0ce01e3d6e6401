"""What a clinician can accept: the orders, changes and resources that a card offers."""
