"""Which subject does an observation belong to? Two that turn out to be one order are joined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from engine.contracts import Observation
from engine.flow.case import Case
from engine.model.facts import State
from engine.model.merchant import Merchant
from engine.rules.belong import may_be, names, number, same_order
from engine.rules.identify import order_number
from engine.rules.observe import join, observe
from engine.store import facts
from engine.store.join import become_one
from engine.store.session import Contended, Tx


@dataclass(frozen=True, kw_only=True)
class Said:
    """One observation on its way to its subject."""

    connection: str
    seen: Observation
    inbox: int | None
    backfill: bool = False


class Placement:
    """Sorts observations onto subjects: by the names that sources use, else by the order number."""

    def __init__(self, tx: Tx, merchant: Merchant, said: Sequence[Said], now: datetime) -> None:
        self._tx, self._merchant, self._now = tx, merchant, now
        called = {name for one in said for name in names(one.connection, one.seen)}
        numbers = {text for one in said if (text := number(one.seen))}
        self._known = facts.aliases(tx, called)
        self._numbers = facts.numbered(tx, numbers)
        if new := self._new_numbers(said):
            # An order that is new has no row to lock: two that tell its number at once would each make one.
            tx.alone(new)
            self._known, self._numbers = facts.aliases(tx, called), facts.numbered(tx, numbers)
        wanted = set(self._known.values()) | {one for found in self._numbers.values() for one in found}
        held = facts.load(tx, wanted, lock=True)
        if any(one.joined for one in held.values()):
            raise Contended("an order turned out to be another while it was waited for")
        self.cases = {number: Case(held=one, merchant=merchant) for number, one in held.items()}
        self.new_names: list[tuple[str, int]] = []

    def _new_numbers(self, said: Sequence[Said]) -> set[str]:
        """Order numbers told together with something that is not known yet."""
        return {
            text for one in said if (text := number(one.seen))
            and (text not in self._numbers or any(name not in self._known for name in names(one.connection, one.seen)))
        }  # fmt: skip

    def place(self, one: Said) -> Case:
        """The case of the subject that is spoken of, new if need be.

        What names the order (its id, its number) outweighs what names a parcel: two orders may travel in
        one parcel, and carriers use their numbers again. Raises LookupError when an order number alone fits
        several orders.
        """
        called = names(one.connection, one.seen)
        owners = list(dict.fromkeys(self._known[name] for name in called if name in self._known))
        order = [self._known[name] for name in called if name.startswith("order:") and name in self._known]
        order += self._numbered(one, order, owners)
        parcel = [owner for owner in owners if owner not in order and self._fits(owner, one, order)]
        case = self._joined(sorted({*order, *parcel})) if order or parcel else self._new()
        for name in called:
            if name not in self._known:
                self._known[name] = case.held.id
                self.new_names.append((name, case.held.id))
        text = number(one.seen)
        if text and case.held.id not in self._numbers.setdefault(text, []):
            self._numbers[text].append(case.held.id)
        return case

    def _numbered(self, one: Said, order: list[int], owners: list[int]) -> list[int]:
        """The subject that carries the order number, unless its id has told it already."""
        text = number(one.seen)
        fitting = [n for n in self._numbers.get(text or "", ()) if n not in order and self._may_be(n, one)]
        if len(fitting) > 1 and not order:
            told = [n for n in fitting if n in owners]
            if not told and not one.seen.ref.order_id:
                raise LookupError(f"{len(fitting)} orders carry the number that it names; connect the shop's own feed")
            fitting = told or fitting
        return fitting[:1]

    def _fits(self, owner: int, one: Said, order: list[int]) -> bool:
        """Can the owner of the parcel be the order that is spoken of?"""
        ids, numbers = self._identity(owner)
        if order:
            other_ids, other_numbers = self._identity(order[0])
        else:
            other_ids = {f"order:{one.connection}:{one.seen.ref.order_id}"} if one.seen.ref.order_id else set()
            other_numbers = {text} if (text := number(one.seen)) else set()
        return same_order(ids, other_ids) and (not numbers or not other_numbers or bool(numbers & other_numbers))

    def _identity(self, subject: int) -> tuple[set[str], set[str]]:
        """The order names and the order numbers that a subject goes by, in the database and in this batch."""
        known = {*facts.names_of(self._tx, subject), *(name for name, owner in self._known.items() if owner == subject)}
        numbers = {text for text, found in self._numbers.items() if subject in found}
        if said := self.cases[subject].state.facts.order.number:
            numbers.add(order_number(said))
        return {name for name in known if name.startswith("order:")}, numbers

    def _may_be(self, subject: int, one: Said) -> bool:
        case = self.cases[subject]
        ids, _ = self._identity(subject)
        state = case.state
        for heard, _, _ in case.heard:  # what this batch has said of it so far is not folded in yet
            state = observe(state, [heard], lambda: ())[0]
        return may_be(state, ids, one.connection, one.seen)

    def _new(self) -> Case:
        held = facts.create(self._tx, self._now)
        self.cases[held.id] = Case(held=held, merchant=self._merchant)
        return self.cases[held.id]

    def _joined(self, owners: list[int]) -> Case:
        """The oldest of the subjects; the others turned out to be the same order and become part of it."""
        into = self.cases[owners[0]]
        for gone in owners[1:]:
            other = self.cases.pop(gone)
            log = [*facts.log(self._tx, into.held), *facts.log(self._tx, other.held)]
            into.held.state = join(into.state, other.held.state or State(), log)
            into.heard += other.heard
            into.joined = True
            become_one(self._tx, other.held, into.held, self._now)
            self._known = {name: into.held.id if n == gone else n for name, n in self._known.items()}
            self._numbers = {
                text: list(dict.fromkeys(into.held.id if n == gone else n for n in found))
                for text, found in self._numbers.items()
            }
            self.new_names = [(name, into.held.id if n == gone else n) for name, n in self.new_names]
        return into
