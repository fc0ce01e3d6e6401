"""The replay on one machine: grouped by patient beyond memory, assessed in parallel, and begun again where it ended."""
