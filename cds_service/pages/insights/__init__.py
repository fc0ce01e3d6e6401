"""The insights: what was advised, accepted and overridden."""
