"""The steps that bring a stored database to the layout of this version, run by Alembic at start."""
