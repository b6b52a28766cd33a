"""`todoke` as a person types it, on a database of its own."""

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import cli
from tests.terminal.said import delivery


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[str]:
        """What a refusal says: what is wrong, what was expected, what to type."""
        assert self.code == 1, (self.code, self.out, self.err)
        return self.err.splitlines()


class Shell:
    """Runs commands in this process; each puts the installation together anew, as a process would."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *words: str) -> Ran:
        result = CliRunner().invoke(cli.app, list(words))
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ran(result.exit_code, result.stdout, result.stderr)

    def ok(self, *words: str) -> Ran:
        ran = self(*words)
        assert ran.code == 0, ran.err or ran.out
        return ran

    def json(self, *words: str) -> Any:
        return self.ok(*words, "--json").json

    def connect(self, connector: str, *words: str) -> str:
        return self.json("connect", connector, *words)["connection"]

    def jsonl(self, name: str, lines: Iterable[object]) -> str:
        """A file of recorded deliveries; a text goes in as it is."""
        path = self.folder / name
        texts = (line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines)
        path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
        return str(path)


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.setenv("TODOKE_HOME", str(tmp_path / "var"))
    monkeypatch.setenv("NO_COLOR", "1")
    assert not [name for name in os.environ if name.startswith("TODOKE_DATABASE")]
    return Shell(tmp_path)


@pytest.fixture
def shop(shell: Shell) -> str:
    """The connection of the one merchant there is, "tea"."""
    shell.ok("merchant", "add", "tea", "--name", "みどり茶舗", "--from-email", "shop@midori.example")
    return shell.connect("standard", "--set", "secret=c2VjcmV0LW9mLXRoZS10ZXN0cw==")


@pytest.fixture
def told(shell: Shell, shop: str) -> Callable[..., Ran]:
    """Ingests bodies through the shop's connection."""

    def tell(*bodies: object, words: tuple[str, ...] = ()) -> Ran:
        return shell("ingest", shop, shell.jsonl("told.jsonl", map(delivery, bodies)), *words)

    return tell
