"""`lumbar-cds gudid`: what the labels of device models say of MRI, taken from the FDA's public list."""
