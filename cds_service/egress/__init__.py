"""Where the service may fetch from: addresses are checked as text, as what they resolve to, and at every hop."""
