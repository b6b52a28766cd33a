"""Which parcel or return an observation speaks of, when sources name the same thing differently.

A shop knows a parcel by its fulfilment id, the warehouse and the carrier by the tracking number. The
first name heard becomes the parcel's key for good, because events and messages are unique by it; later
names are added beside it. Which names belong together depends only on what was heard, never on the
order of hearing; only the choice of the key does.

Names are "shipment:<connection>:<id>", "tracking:<number>" and "return:<connection>:<id>"; "only:<realm>"
stands for a parcel or return that nobody named, "was:<realm>:<key>" for a key given up in a merger.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping
from typing import Literal

from msgspec import Struct

from engine.contracts import Observation, OrderSeen, Ref, ReturnSeen

Realm = Literal["parcel", "return"]
PREFIXES: Mapping[Realm, tuple[str, ...]] = {"parcel": ("shipment:", "tracking:"), "return": ("return:",)}


def tracking_number(text: str) -> str:
    """A tracking number without the ways of writing it: NFKC, no spaces or hyphens, upper case.

    Between digits a long vowel mark is a hyphen that was typed in Japanese (4001ー2345ー6784).
    """
    if text.isascii() and text.isalnum():
        return text.upper()
    plain = "".join(c for c in unicodedata.normalize("NFKC", text) if c.isalnum()).upper()
    without = plain.replace("ー", "")
    return without if without.isascii() else plain


def order_number(text: str) -> str:
    """A shop's order number as a person may type it: "#1001", "１００１" and "1001" are the same."""
    return unicodedata.normalize("NFKC", text).strip().lstrip("#").strip().upper()


class Named(Struct, frozen=True, kw_only=True):
    """The key of a parcel or return, and all names as known now. `merged` tells that an observation heard
    before is now known to be about another parcel than it seemed, so that the log is folded again."""

    key: str | None
    names: dict[str, str]
    merged: bool = False


def lookup(names: Mapping[str, str], connection: str, seen: Observation) -> str:
    """The key that an identified observation goes by."""
    called = _called(connection, seen) or [f"only:{_realm(seen)}"]
    return next((names[name] for name in called if name in names), "1")


def current(names: Mapping[str, str], realm: Realm, key: str) -> str:
    """The key by which the parcel or return goes now that was once known as `key`."""
    return names.get(f"was:{realm}:{key}", key)


def identify(names: dict[str, str], connection: str, seen: Observation, *, elder: Collection[str] = ()) -> Named:
    """Give the parcel or return that `seen` is about its key, and remember its names.

    A parcel that nobody has named (an order number alone) is the order's only parcel; should there be
    several, it counts as the one with the least name, so that no order of arrival matters. When an
    observation shows that two keys are one parcel, the one among `elder` (keys that have events) stays.
    """
    if isinstance(seen, OrderSeen):
        return Named(key=None, names=names)
    realm = _realm(seen)
    only = f"only:{realm}"
    called = _called(connection, seen)
    if not called:
        if only not in names:
            names = {**names, only: _first(names, realm) or "1"}
        return Named(key=names[only], names=names)
    keys = list(dict.fromkeys(names[name] for name in called if name in names))
    if not keys and only in names and _first(names, realm) is None:
        keys = [names[only]]  # the only parcel gets its name
    if not keys:
        key = _free(called[0].rpartition(":")[2], connection, names, realm)
        known = {**names, **dict.fromkeys(called, key)}
    else:
        key = next((key for key in keys if key in elder), keys[0])
        known = {**names, **dict.fromkeys(called, key)}
        if len(keys) > 1:
            known = _merge(known, realm, frozenset(keys) - {key}, key)
    moved = only in known and known[only] != _first(known, realm)
    if moved:
        known[only] = _first(known, realm) or key
    return Named(key=key, names=known, merged=len(keys) > 1 or moved)


def _merge(names: dict[str, str], realm: Realm, given_up: frozenset[str], key: str) -> dict[str, str]:
    mine = (*PREFIXES[realm], f"only:{realm}", f"was:{realm}:")
    known = {name: key if held in given_up and name.startswith(mine) else held for name, held in names.items()}
    return {**known, **{f"was:{realm}:{old}": key for old in given_up}}


def _free(key: str, connection: str, names: Mapping[str, str], realm: Realm) -> str:
    """The key itself, or marked with its connection where another parcel has or had this very name."""
    taken = {names[name] for name in names if name.startswith((*PREFIXES[realm], f"only:{realm}"))}
    while key in taken or f"was:{realm}:{key}" in names:
        key = f"{key}@{connection}"
    return key


def _first(names: Mapping[str, str], realm: Realm) -> str | None:
    """The key of the parcel with the least name."""
    given = [name for name in names if name.startswith(PREFIXES[realm])]
    return names[min(given)] if given else None


def _realm(seen: Observation) -> Realm:
    return "return" if isinstance(seen, ReturnSeen) else "parcel"


def _called(connection: str, seen: Observation) -> list[str]:
    """The names that the observation gives, its own id before the tracking number."""
    ref = seen.ref
    if isinstance(seen, ReturnSeen):
        return [f"return:{connection}:{ref.return_id}"] if ref.return_id else []
    names = []
    if ref.shipment_id:
        names.append(f"shipment:{connection}:{ref.shipment_id}")
    if number := number_of(ref):
        names.append(f"tracking:{number}")
    return names


def number_of(ref: Ref) -> str | None:
    """The tracking number; None where there is none or only a placeholder such as "-"."""
    return tracking_number(ref.tracking_number) or None if ref.tracking_number else None
