"""Reading charts to the leaf where a site holds SNOMED CT: the descendants of our concepts as its own ValueSets."""
