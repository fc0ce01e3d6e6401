"""AccessGUDID at a site: the FDA's public list of device models, as a small table of what their labels say of MRI."""
