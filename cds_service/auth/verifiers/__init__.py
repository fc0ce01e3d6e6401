"""One verifier for each way in which a client proves who calls."""
