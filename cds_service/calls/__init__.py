"""What callers did right and wrong in their last calls, for whoever connects an EHR; no patient data, no token."""
