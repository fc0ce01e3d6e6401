"""What implanted devices are: the identifiers on their labels, and what is known of a model by its identifier."""
