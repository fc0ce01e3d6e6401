"""The guideline as a document for people: one model, from which Markdown and HTML are written."""
