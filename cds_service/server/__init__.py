"""How a process serves: gunicorn, and what runs beside the requests."""
