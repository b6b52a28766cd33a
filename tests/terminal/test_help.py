"""Every command says in one line what it does, and stands in docs/commands.md."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.main import get_command

import cli
from engine.config import Settings

ROOT = Path(cli.__file__).parent


def commands(command, name: str = "") -> Iterator[tuple[str, object]]:
    """(name, command) of everything that can be typed: "orders show"."""
    inner = getattr(command, "commands", {})
    if name and (not inner or command.invoke_without_command):
        yield name, command
    for word, one in inner.items():
        yield from commands(one, f"{name} {word}".strip())


COMMANDS = dict(commands(get_command(cli.app)))


@pytest.mark.parametrize("name", COMMANDS)
def test_help_is_one_line(name):
    told = COMMANDS[name].help
    assert told
    assert told.endswith(".")
    assert "\n" not in told.strip()
    assert len(told) <= 100


def test_the_root_shows_every_noun_with_a_line(shell):
    out = shell.ok("--help").out
    for name in {name.split()[0] for name in COMMANDS}:
        assert re.search(rf"^  {name} +\S.*\.$", out, re.MULTILINE), name


def groups(command) -> Iterator[tuple[str, object]]:
    """(name, command) of every noun with commands of its own."""
    for word, one in getattr(command, "commands", {}).items():
        if getattr(one, "commands", None):
            yield word, one


@pytest.mark.parametrize(("name", "group"), list(groups(get_command(cli.app))))
def test_a_noun_says_what_it_is_and_leaves_its_commands_to_the_list_below(name, group):
    assert group.help
    assert group.help.endswith(".")
    named = [word for word in group.commands if re.search(rf"[:,] {word}[,.]", group.help)]
    assert named == [], "a list in words is out of date with the next command"


def test_the_page_of_commands_lists_what_there_is():
    page = (ROOT / "docs" / "commands.md").read_text("utf-8")
    listed = re.findall(r"^\| `todoke ([a-z-]+(?: [a-z]+)?)", page, re.MULTILINE)
    assert sorted(listed) == sorted(COMMANDS)


def test_the_page_of_settings_lists_what_there_is():
    page = (ROOT / "docs" / "settings.md").read_text("utf-8")
    listed = dict(re.findall(r"^\| `TODOKE_([A-Z_]+)` \| .* \| (.*) \|$", page, re.MULTILINE))
    assert listed == {name.upper(): field.description for name, field in Settings.model_fields.items()}


def test_listings_take_json_and_a_limit(shell):
    listings = [name for name in COMMANDS if name.endswith(" list")] + ["connections"]
    for name in listings:
        options = {option for parameter in COMMANDS[name].params for option in parameter.opts}
        assert {"--json", "--limit"} <= options, name


def test_a_wrong_word_is_a_usage_error(shell):
    assert shell("mesages", "list").code == 2
    assert shell("messages", "list", "--limit", "0").code == 2


def test_a_pipe_gets_plain_text_and_rows_alone(tmp_path):
    env = {**os.environ, "TODOKE_HOME": str(tmp_path)}
    env.pop("NO_COLOR", None)
    ran = subprocess.run(
        [sys.executable, "-c", "import cli; cli.app()", "messages", "list", "--json"],
        cwd=ROOT, env=env, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert (ran.stdout, ran.stderr) == ("[]\n", "")
