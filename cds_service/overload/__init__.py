"""What happens when more calls come than can be answered in time: who waits, who goes first, who is sent away."""
