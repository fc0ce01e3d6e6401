"""The demo EHR as a SMART launcher sees one: a login that asks nobody, and a FHIR server of invented patients."""
