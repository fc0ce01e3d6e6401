"""What a configuration is worth, found out without serving anybody."""
