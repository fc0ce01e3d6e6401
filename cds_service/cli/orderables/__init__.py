"""What the service takes each of the orderables of a site for."""
