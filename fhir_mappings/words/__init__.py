"""What people write: topics in free text, what is denied, and the names of drugs."""
