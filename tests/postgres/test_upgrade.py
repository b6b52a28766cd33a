"""`todoke db upgrade` on a server: the owner's role makes the tables, the application's role works with them."""

from __future__ import annotations

import os

import pytest
from psycopg import sql
from sqlalchemy.engine import make_url
from typer.testing import CliRunner

import cli
from engine.store.engines import server_url
from engine.store.migrate import HEAD, MIGRATIONS
from tests.e2e.installation import SECRET
from tests.services.postgres import OWNER, ROLE


@pytest.fixture
def empty(postgres, monkeypatch, tmp_path):
    """An empty database of the owner's, as an operator makes it; returns how to type a command."""
    name = f"todoke_empty_{tmp_path.parent.name.replace('-', '_')}"
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    postgres.execute(drop, sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(OWNER)))
    monkeypatch.setenv("TODOKE_HOME", str(tmp_path / "var"))
    monkeypatch.setenv("TODOKE_DATABASE_URL", postgres.url(name, ROLE))
    monkeypatch.setenv("NO_COLOR", "1")
    yield lambda *words: CliRunner().invoke(cli.app, list(words))
    postgres.execute(drop)


def test_the_application_says_what_to_type_and_the_owner_upgrades(empty, postgres, monkeypatch):
    refused = empty("merchant", "list")
    assert refused.exit_code == 1
    assert "todoke db upgrade" in refused.stderr
    assert empty("db", "upgrade").exit_code == 1, "the application's role may not make tables"
    owner = postgres.url(make_url(os.environ["TODOKE_DATABASE_URL"]).database, OWNER)
    monkeypatch.setenv("TODOKE_DATABASE_OWNER_URL", owner.replace("postgresql://", "postgres://"))
    upgraded = empty("db", "upgrade")
    assert upgraded.exit_code == 0, upgraded.stderr
    assert f"schema {HEAD}, before empty" in upgraded.stdout
    assert "row policies" not in upgraded.stderr
    assert "already" in empty("db", "upgrade").stdout
    added = empty("merchant", "add", "tea", "--name", "みどり茶舗", "--from-email", "shop@midori.example")
    assert added.exit_code == 0, added.stderr
    assert "tea" in empty("merchant", "list").stdout
    assert empty("connect", "standard", "--merchant", "tea", "--set", f"secret={SECRET}").exit_code == 0
    assert empty("connections", "--json").exit_code == 0


def test_a_role_above_the_policies_is_warned_of(empty, postgres, monkeypatch):
    superuser = postgres.url(make_url(os.environ["TODOKE_DATABASE_URL"]).database)
    monkeypatch.setenv("TODOKE_DATABASE_URL", superuser)
    upgraded = empty("db", "upgrade")
    assert upgraded.exit_code == 0, upgraded.stderr
    assert "sees past the row policies" in upgraded.stderr


def test_head_is_the_newest_migration():
    assert sorted(path.name[:4] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))[-1] == HEAD


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_spelling_of_the_address_is_understood(scheme):
    url = server_url(f"{scheme}://todoke@db.example/todoke?sslmode=require")
    assert (url.drivername, url.database, url.query["sslmode"]) == ("postgresql+psycopg", "todoke", "require")
