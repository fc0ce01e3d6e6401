"""CDS Hooks on the wire: what comes in, what goes out, and how an error is told."""
