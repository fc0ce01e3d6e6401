"""The replay on Spark: one shuffle that brings each patient's resources together, and the same assessment."""
