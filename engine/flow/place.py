"""Which subject does an observation belong to? Two that turn out to be one order are joined."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from engine.contracts import Observation
from engine.flow.called import Called
from engine.flow.case import Case
from engine.model.facts import State
from engine.model.merchant import Merchant
from engine.rules.belong import may_be, names, number, same_order
from engine.rules.identify import order_number
from engine.rules.observe import join, observe
from engine.store import facts
from engine.store.facts import Held
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
    """Sorts observations onto subjects: by the names that sources use, else by the order number. `also`: others that
    are locked with them."""

    def __init__(
        self, tx: Tx, merchant: Merchant, said: Sequence[Said], now: datetime, *, also: Collection[int] = ()
    ) -> None:
        self._tx, self._merchant, self._now = tx, merchant, now
        every = {name for one in said for name in names(one.connection, one.seen)}
        numbers = {text for one in said if (text := number(one.seen))}
        self._called = Called(tx, every, numbers)
        if new := self._new_numbers(said):
            # An order that is new has no row to lock: two that tell its number at once would each make one.
            tx.alone(new)
            if tx.locks_rows:
                self._called = Called(tx, every, numbers)
        held = facts.load(tx, self._called.subjects | set(also), lock=True)
        if any(held[number].joined for number in self._called.subjects & held.keys()):
            raise Contended("an order turned out to be another while it was waited for")
        held = {number: one for number, one in held.items() if not one.joined}
        self.cases = {number: Case(held=one, merchant=merchant) for number, one in held.items()}
        self._unmade = 0  # subjects that are new so far

    @property
    def new_names(self) -> list[tuple[str, int]]:
        """Names that were not known before, with their subjects."""
        return self._called.new

    def _new_numbers(self, said: Sequence[Said]) -> set[str]:
        """Order numbers told together with something that is not known yet."""
        return {
            text for one in said if (text := number(one.seen))
            and (not self._called.numbered(text)
                 or any(self._called.owner(name) is None for name in names(one.connection, one.seen)))
        }  # fmt: skip

    def place(self, one: Said) -> Case:
        """The case of the subject that is spoken of, new if need be.

        What names the order (its id, its number) outweighs what names a parcel: two orders may travel in
        one parcel, and carriers use their numbers again. Raises LookupError when an order number alone fits
        several orders.
        """
        called = names(one.connection, one.seen)
        owners = self._called.owners(called)
        order = self._called.owners([name for name in called if name.startswith("order:")])
        order += self._numbered(one, order, owners)
        parcel = [owner for owner in owners if owner not in order and self._fits(owner, one, order)]
        case = self._joined({*order, *parcel}) if order or parcel else self._new()
        self._called.add(called, number(one.seen), case.held.id)
        return case

    def _numbered(self, one: Said, order: list[int], owners: list[int]) -> list[int]:
        """The subject that carries the order number, unless its id has told it already."""
        text = number(one.seen)
        fitting = [n for n in self._called.numbered(text) if n not in order and self._may_be(n, one)]
        if len(fitting) > 1 and not order:
            told = [n for n in fitting if n in owners]
            if not told and not one.seen.ref.order_id:
                raise LookupError(f"{len(fitting)} orders carry the number that it names; connect the shop's own feed")
            fitting = told or fitting
        return fitting[:1]

    def _fits(self, owner: int, one: Said, order: list[int]) -> bool:
        """Can the owner of the parcel be the order that is spoken of?"""
        ids, numbers = self._called.order_names(owner), self._numbers(owner)
        if order:
            other_ids, other_numbers = self._called.order_names(order[0]), self._numbers(order[0])
        else:
            other_ids = {f"order:{one.connection}:{one.seen.ref.order_id}"} if one.seen.ref.order_id else set()
            other_numbers = {text} if (text := number(one.seen)) else set()
        return same_order(ids, other_ids) and (not numbers or not other_numbers or bool(numbers & other_numbers))

    def _numbers(self, subject: int) -> set[str]:
        """The order numbers that a subject carries, in the database and in this batch."""
        numbers = self._called.order_numbers(subject)
        if said := self.cases[subject].state.facts.order.number:
            numbers.add(order_number(said))
        return numbers

    def _may_be(self, subject: int, one: Said) -> bool:
        case = self.cases[subject]
        state = case.state
        for heard, _, _ in case.heard:  # what this batch has said of it so far is not folded in yet
            state = observe(state, [heard], lambda: ())[0]
        return may_be(state, self._called.order_names(subject), one.connection, one.seen)

    def settle(self) -> None:
        """Give the subjects that are new their rows, all at once, now that all has been placed."""
        new = [case for case in self.cases.values() if case.held.id < 0]
        made = facts.create(self._tx, len(new), self._now)
        self._called.move({case.held.id: held.id for case, held in zip(new, made, strict=True)})
        for case, held in zip(new, made, strict=True):
            case.held = held
        self.cases = {case.held.id: case for case in self.cases.values()}

    def _new(self) -> Case:
        """A subject that has no row yet; a number below zero stands for it."""
        self._unmade += 1
        held = Held(id=-self._unmade, merchant=self._merchant.id, version=0, wrapped_key=None, read=State)
        self.cases[held.id] = Case(held=held, merchant=self._merchant)
        return self.cases[held.id]

    def _joined(self, owners: set[int]) -> Case:
        """The oldest of the subjects; the others turned out to be the same order and become part of it."""
        oldest, *rest = sorted(owners, key=lambda number: (number < 0, abs(number)))
        into = self.cases[oldest]
        for gone in rest:
            other = self.cases.pop(gone)
            into.heard += other.heard
            if gone > 0:
                log = [*facts.log(self._tx, into.held), *facts.log(self._tx, other.held)]
                into.held.state = join(into.state, other.held.state or State(), log)
                into.joined = True
                become_one(self._tx, other.held, into.held, self._now)
        if rest:
            self._called.move(dict.fromkeys(rest, oldest))
        return into
