"""Verbs in the order data moves: accept, observe, enrol, step, wake, render, send, recover, receive. Each one
loads, decides by `rules`, and commits; no verb talks to the outside inside a transaction."""
