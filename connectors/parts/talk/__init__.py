"""Conversations with a system: asking, paging, renewing tokens, where to go on."""
