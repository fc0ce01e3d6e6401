"""The clients that may call, each described by a profile: who it is, where its data are, and how it wants its cards."""
