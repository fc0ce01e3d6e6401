"""The description of the HTTP interface as OpenAPI 3.1, built on the JSON Schemas that requests are checked with."""
