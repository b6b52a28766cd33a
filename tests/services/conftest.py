"""The private server."""

from tests.services.postgres import postgres

__all__ = ["postgres"]
