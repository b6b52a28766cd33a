"""The shape of the house, held: sizes, names, the registry, and what a fresh machine is made to fetch."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import connectors

ROOT = Path(__file__).parent.parent
MOST_LINES_IN_A_MODULE = 300
MOST_LINES_IN_A_FUNCTION = 60
REFUSED_NAMES = re.compile(r"(util|helper|manager|processor|service)s?|base|common|misc")
NAMED_BY_OTHERS = {ROOT / "connectors" / "sources" / "base"}  # BASE, a shop system
HEAVY = ("sqlalchemy", "sqlmodel", "fastapi", "starlette", "dramatiq", "httpx", "alembic", "jinja2", "pydantic")
LOCK_FILES = re.compile(r".+\.lock|.+-lock\.(json|yaml)|bun\.lockb|pylock\..*toml")


def modules() -> list[Path]:
    """Every module of ours; migrations are a record of steps, not code to keep small."""
    found = [ROOT / "cli.py", *(ROOT / "engine").rglob("*.py"), *(ROOT / "connectors").rglob("*.py")]
    return [path for path in found if "versions" not in path.parts]


def functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            yield node.name, node.end_lineno - node.lineno + 1


def test_modules_are_short():
    lengths = [(len(path.read_text(encoding="utf-8").splitlines()), path) for path in modules()]
    assert [f"{path} has {length} lines" for length, path in lengths if length > MOST_LINES_IN_A_MODULE] == []


def test_functions_are_short():
    assert [
        f"{path.relative_to(ROOT)}:{name} has {length} lines"
        for path in modules()
        for name, length in functions(path)
        if length > MOST_LINES_IN_A_FUNCTION
    ] == []


def test_no_module_has_a_name_that_says_nothing():
    names = [path.parent if path.stem == "__init__" else path for path in modules()]
    bad = [path for path in names if REFUSED_NAMES.fullmatch(path.stem) and path not in NAMED_BY_OTHERS]
    assert [str(path.relative_to(ROOT)) for path in bad] == []


@pytest.mark.parametrize("kind", ["sources", "channels"])
def test_the_registry_lists_exactly_the_folders(kind):
    registry = {"sources": connectors.SOURCES, "channels": connectors.CHANNELS}[kind]
    folders = {path.parent.name for path in (ROOT / "connectors" / kind).glob("*/__init__.py")}
    assert registry == {name: f"connectors.{kind}.{name}" for name in folders}


def test_help_imports_nothing_heavy():
    script = (
        "import sys; import cli\n"
        "try: cli.app(['--help'])\n"
        "except SystemExit as ended: assert not ended.code, ended.code\n"
        f"print('heavy:', *[name for name in {HEAVY!r} if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[-1] == "heavy:"


def test_import_contracts_are_kept():
    linter = Path(sys.executable).parent / "lint-imports"
    ran = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_there_is_no_lock_file():
    ours = (path for path in ROOT.iterdir() if path.name not in (".git", ".venv", "var"))
    files = (file for path in ours for file in (path.rglob("*") if path.is_dir() else [path]))
    assert [file for file in files if LOCK_FILES.fullmatch(file.name)] == []


@pytest.mark.parametrize("name", ["constraints.txt", "constraints-dev.txt"])
def test_every_pin_has_hashes_and_no_address(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    pins = re.findall(r"^[^\s#].*?(?=^[^\s#]|\Z)", text, re.MULTILINE | re.DOTALL)
    assert pins
    assert [pin for pin in pins if "==" not in pin or "--hash=sha256:" not in pin] == []
    assert "://" not in text
    assert not re.search(r"^-", text, re.MULTILINE), "an option, perhaps an index"


def test_what_we_depend_on_is_what_is_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    tools = [*extras.pop("test"), *extras.pop("dev")]
    run = [*project["dependencies"], *chain.from_iterable(extras.values())]
    assert out_of_range(run, pinned("constraints.txt")) == []
    assert out_of_range(tools, pinned("constraints-dev.txt")) == []


def pinned(name: str) -> list[tuple[str, str]]:
    text = (ROOT / name).read_text(encoding="utf-8")
    return re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==([^\s;]+)", text, re.MULTILINE)


def out_of_range(wanted: list[str], pins: list[tuple[str, str]]) -> list[str]:
    """Return what `make constraints` has to be run for; a package may be pinned twice, by platform."""
    return [
        str(want)
        for want in map(Requirement, wanted)
        if not any(canonicalize_name(want.name) == name and version in want.specifier for name, version in pins)
    ]
