"""The private server for every test here."""

from tests.services.postgres import postgres, postgres_database, postgres_url

__all__ = ["postgres", "postgres_database", "postgres_url"]
