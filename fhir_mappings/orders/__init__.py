"""The draft orders: which are lumbar-spine MRIs, and all that they say."""
