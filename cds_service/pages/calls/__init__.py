"""The page on which whoever connects an EHR sees what its last calls did right and wrong."""
