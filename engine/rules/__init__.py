"""Decisions: pure functions. The same input gives the same answer; `now` is an argument."""
