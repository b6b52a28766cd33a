"""Settings as they are typed: `key=@FILE` for those that are too long to type, those that need not be thought up, and
what only a connector can judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from secrets import token_urlsafe
from typing import TYPE_CHECKING, Any

from engine.terminal import speak

if TYPE_CHECKING:
    from engine.flow.app import App
    from engine.rules.settings import Sorted

MOST = 256 * 1024  # bytes of a file that is a setting


def from_files(schema: Mapping[str, Any], given: Sequence[tuple[str, str]], again: str) -> list[tuple[str, str]]:
    """The settings with the text of files in place of `@FILE`, where the schema says that a setting is one ("file").
    Refuses a file that is missing, too large or no text."""
    properties = schema.get("properties", {})
    return [
        (key, _text(key, value[1:], again) if value.startswith("@") and properties.get(key, {}).get("file") else value)
        for key, value in given
    ]


def drawn(schema: Mapping[str, Any], given: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """What a new connection need not be given: so many random octets, in base64url without padding, of each setting
    that the schema says may be made so ("drawn")."""
    named = {key for key, _ in given}
    octets = {key: described.get("drawn") for key, described in schema.get("properties", {}).items()}
    return [(key, token_urlsafe(most)) for key, most in octets.items() if most and key not in named]


def _text(key: str, name: str, again: str) -> str:
    path = Path(name).expanduser()
    then = f"{again} --set {key}=@FILE"
    if not path.is_file():
        speak.refuse(f"--set {key}: there is no file {name}", "a file that can be read", then)
    if path.stat().st_size > MOST:
        speak.refuse(f"--set {key}: {name} is larger than {MOST} bytes", "a smaller file", then)
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        speak.refuse(f"--set {key}: {name} is not UTF-8", "a text file in UTF-8", then)


def judged(app: App, connector: str, given: Sorted, again: str) -> None:
    """Refuses settings that are wrong taken together, or in the eyes of the source (a mapping with a mistake in line
    12)."""
    from engine.rules import drop, source_mails

    judge = (app.sources(connector) if connector in app.source_names else app.channels(connector)).misset
    wrong = judge(given.config) if judge else None
    wrong = wrong or drop.misset(given.config, given.secrets) or source_mails.misset(given.config)
    try:
        browser_key(app, connector, given)
    except ValueError as unusable:
        wrong = wrong or str(unusable)
    if wrong:
        speak.refuse(wrong, f"settings that {connector} can use", f"{again} --set KEY=VALUE")


def browser_key(app: App, connector: str, given: Sorted) -> str | None:
    """The public key by which browsers subscribe, of a channel that they do so with. Raises ValueError where the
    settings hold no key that can be used."""
    linking = app.channels(connector).linking if connector in app.channel_names else None
    newest = {key: values[0] for key, values in given.secrets.items()}
    return linking.browser_key({**given.config, **newest}) if linking and linking.browser_key else None
