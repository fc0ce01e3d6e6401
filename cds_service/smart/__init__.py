"""The SMART app as a client has registered it, and the signed context with which a card opens it."""
