"""What people see in a browser: server-rendered pages, their styles and their small scripts."""
