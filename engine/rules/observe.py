"""One more observation on a subject's state: identify, fold, and read off what has newly happened."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec.structs import replace

from engine.model.event import Event
from engine.model.facts import State
from engine.rules.fold import Heard, apply, digest, fold, in_order
from engine.rules.happen import happenings, renamed
from engine.rules.identify import identify

__all__ = ["digest", "join", "observe"]


def observe(
    state: State, heard: Iterable[Heard], log: Callable[[], Iterable[Heard]]
) -> tuple[State, list[Heard], list[Event]]:
    """The state after some observations, those of them that were new, and the events that are new.

    `log` reads the subject's observations so far; it is called only when one comes late, or when two
    parcels turn out to be one, since then the facts are folded again from the beginning.
    """
    new, digests = [], dict(state.heard)
    for one in heard:
        name = digest(one)
        if name not in digests:
            digests[name] = str(one.seen.__struct_config__.tag)
            new.append(one)
    if not new:
        return state, [], []
    history = in_order(new) if len(new) > 1 else new
    facts, names = state.facts, state.names
    elder = _keys(state) if names else set()
    # Of the same moment as the newest known is late too: only a whole fold can put it in its place.
    again = facts.as_of is not None and history[0].seen.as_of <= facts.as_of
    for one in history:
        named = identify(names, one.connection, one.seen, elder=elder)
        names = named.names
        again = again or named.merged
        if not again:
            facts = apply(facts, one.seen, named.key or "")
    if again:
        facts = fold([*log(), *new], names)
    told = {*state.events}
    if any(name.startswith("was:") for name in names):
        told.update(renamed(event, names).key for event in state.events.values())
    events = [event for key, event in happenings(facts).items() if key not in told]
    events.sort(key=lambda event: event.occurred_at)
    known = {**state.events, **{event.key: event for event in events}}
    return replace(state, facts=facts, names=names, events=known, heard=digests), new, events


def join(mine: State, theirs: State, log: Iterable[Heard]) -> State:
    """Two subjects that turned out to be one order; `log` holds the observations of both, in any order.

    The parcels of `mine` keep their keys. Those of `theirs` keep them where they can; their events move
    to the keys by which the parcels go now, so that none happens again. What the two halves only tell
    together is new at the next `observe`.
    """
    history = in_order({digest(heard): heard for heard in log}.values())
    elder = _keys(mine)
    names = mine.names
    for heard in history:
        names = identify(names, heard.connection, heard.seen, elder=elder).names
    became = _became(theirs.names, names)
    moved = (renamed(event, became) for event in theirs.events.values())
    free = {was: key for was, key in became.items() if was.split(":", 2)[2] not in names.values()}
    return State(
        facts=fold(history, names),
        names={**free, **names},
        events={**{event.key: event for event in moved}, **mine.events},
        heard={**theirs.heard, **mine.heard},
    )


def _keys(state: State) -> set[str]:
    """The keys of parcels and returns about which something has been told."""
    return {key for event in state.events.values() if (key := event.shipment or event.return_)}


def _became(theirs: dict[str, str], names: dict[str, str]) -> dict[str, str]:
    """ "was:" names that lead from each key that theirs ever used to the key of the same thing now."""
    became = {}
    for name, key in theirs.items():
        if names.get(name, key) != key:
            realm = "return" if name.startswith(("return:", "only:return")) else "parcel"
            became[f"was:{realm}:{key}"] = names[name]
    for name, key in theirs.items():
        if name.startswith("was:"):
            realm = name.split(":", 2)[1]
            became[name] = became.get(f"was:{realm}:{key}", key)
    return became
