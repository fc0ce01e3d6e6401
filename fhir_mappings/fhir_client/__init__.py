"""Reading from a client's FHIR server what its prefetch did not bring."""
