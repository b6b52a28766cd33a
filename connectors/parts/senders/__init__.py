"""Who has sent it: signatures, keys, tokens."""
