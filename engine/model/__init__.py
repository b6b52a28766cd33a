"""Nouns: frozen values without IO. Nothing here reads a clock, a file or a socket."""
