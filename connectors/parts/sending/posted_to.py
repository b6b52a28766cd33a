"""Does a webhook that a provider lists lead to the connection?"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from engine.contracts import Finding


def leads_to(url: str | None, intake: str) -> bool:
    """Whatever user, password, port and query stand in it: those are how a provider proves who it is."""
    try:
        given, ours = urlsplit(url or ""), urlsplit(intake)
        return bool(ours.path) and (given.hostname, given.path.rstrip("/")) == (ours.hostname, ours.path)
    except ValueError:
        return False


def missing(what: str, where: str, intake: str) -> Finding:
    """Nobody posts to us. `where` says where in the provider's pages the address is entered."""
    return Finding(level="error", what=what, do=f"enter {intake} under {where}", paste=(intake,) if intake else ())


def judged_by(settings: Mapping[str, str], name: str, do: str) -> Finding:
    """Is there what is posted to us is judged by?"""
    if settings.get(name):
        return Finding(level="ok", what=f"{name} is set: what is posted can be checked")
    return Finding(level="error", what=f"no {name}: everything that is posted is refused", do=do)
