"""Why an installation cannot be put together, in three lines."""

from __future__ import annotations

Three = tuple[str, str, str]


def explain(failed: Exception) -> Three | None:
    """What is wrong, what was expected, what to type; None when it is a bug of ours."""
    from pydantic import ValidationError

    from engine.io.library import JourneyRefused
    from engine.io.templates import BrokenTemplates
    from engine.store.migrate import SchemaOld
    from engine.store.sealed import KeysWrong

    match failed:
        case JourneyRefused(problems=(first, *more)):
            place = f"{first.file}:{first.line}" if first.line else first.file
            field = f" {first.field}" if first.field else ""
            what = f"{place}{field}: {first.what}" + (f" (and {len(more)} more)" if more else "")
            return what, first.hint or "a journey file as docs/journeys.md describes it", "todoke journeys check"
        case BrokenTemplates(problems=[first, *more]):
            what = first + (f" (and {len(more)} more)" if more else "")
            return what, "templates that can be used, all of them", "todoke journeys check"
        case SchemaOld():
            return str(failed).partition(";")[0], "the newest schema", "todoke db upgrade"
        case KeysWrong():
            what, _, _ = str(failed).partition(";")
            return what, "in TODOKE_SECRET_KEYS: 32 bytes in base64, several with commas", "todoke keys master"
        case ValidationError():
            error = failed.errors(include_url=False, include_input=False)[0]
            name = f"TODOKE_{'_'.join(str(part) for part in error['loc']).upper()}"
            return f"{name}: {error['msg'].removeprefix('Value error, ')}", _wanted(name), f"export {name}=..."
        case OSError():
            where = failed.filename or "TODOKE_HOME"
            return f"{where}: {failed.strerror}", "a folder that can be written", "export TODOKE_HOME=..."
    if type(failed).__module__.partition(".")[0] in {"sqlalchemy", "sqlite3", "psycopg"}:
        what = str(getattr(failed, "orig", None) or failed).partition("\n")[0]
        expected = "a database that answers; empty TODOKE_DATABASE_URL means SQLite under TODOKE_HOME"
        return f"TODOKE_DATABASE_URL: {what}", expected, "export TODOKE_DATABASE_URL=..."
    return None


def _wanted(name: str) -> str:
    """The sentence that the setting itself has; docs/settings.md has them all."""
    from engine.config import Settings

    field = Settings.model_fields.get(name.removeprefix("TODOKE_").lower())
    return (field and field.description) or "a setting as docs/settings.md describes it"


def late(failed: Exception) -> bool:
    """Whether it is about files that are read only when a command asks for them."""
    from engine.io.library import JourneyRefused
    from engine.io.templates import BrokenTemplates

    return isinstance(failed, JourneyRefused | BrokenTemplates)
