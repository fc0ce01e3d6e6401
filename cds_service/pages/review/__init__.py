"""The review sheet: the whole guideline as it stands at a site, on paper, for clinicians who are to approve it."""
