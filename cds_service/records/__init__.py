"""What is kept of each call and each feedback, in SQLite or PostgreSQL, without patient data."""
