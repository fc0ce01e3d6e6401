"""FHIR in, clinical facts out: readers, terminology, criteria. Knows nothing of Flask or cards."""
