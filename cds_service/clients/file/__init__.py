"""The clients file: read, checked and built into profiles, each fault told in a sentence for whoever wrote it."""
