"""What the form asks of the service: advice on answers that are not saved yet."""
