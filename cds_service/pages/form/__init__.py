"""The form that a card opens inside the EHR."""
