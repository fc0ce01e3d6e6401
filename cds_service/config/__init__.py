"""What an operator sets: the environment, hand-written files and the site file."""
