"""What a database is asked, whichever way it goes: through SQLAlchemy, or straight to the driver."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, event

from engine.store import driver


@contextmanager
def statements(engine: Engine) -> Iterator[list[tuple[str, Any]]]:
    """The list that every statement is added to with its values, of many rows those of the first, in the order in which
    they are executed."""
    said: list[tuple[str, Any]] = []

    def listen(_conn: Any, _cursor: Any, text: str, values: Any, _context: Any, many: bool) -> None:
        said.append((text, values[0] if many else values))

    def heard(work: Any, *, many: bool) -> Any:
        def execute(conn: Any, text: str, values: Any = ()) -> Any:
            if not many:
                said.append((text, values))
            elif len(values) > 1:  # a single row is executed by `changed`
                said.append((text, values[0]))
            return work(conn, text, values)

        return execute

    event.listen(engine, "before_cursor_execute", listen)
    with pytest.MonkeyPatch.context() as patched:
        for name in ("described", "changed", "repeated"):
            patched.setattr(driver, name, heard(getattr(driver, name), many=name == "repeated"))
        yield said
    event.remove(engine, "before_cursor_execute", listen)
