"""Who may call: verifiers behind one interface, from none (development) to signed tokens and client certificates."""
