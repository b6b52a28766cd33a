"""Verbs in the order data moves: accept, observe (absorb, place), enrol, step, wake, claims, send (render, arm, hand
over, outcome), recover, receive. Each one loads, decides by `rules`, and commits; no verb talks to the outside inside a
transaction."""
