"""The commands around the replay, beside that of the replay itself."""
