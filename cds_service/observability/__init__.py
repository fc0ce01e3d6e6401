"""What operators watch: log lines, metrics and health."""
