"""Two replays side by side: which orders changed answer, and by which rule. So a rule change is approved."""
