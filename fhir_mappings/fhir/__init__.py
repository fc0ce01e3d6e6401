"""FHIR as it is received: data types, dates, resources and the state of each source."""
