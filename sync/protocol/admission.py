"""pure: who is served now, who waits, and who is told to come back later, when thousands of stores wake at once.

So many requests are served at a time, so many more wait in a line of bounded length, and the rest are turned away with
the time after which it is worth asking again. Of those no more is kept than their place.

    admission = Admission(Limits(served=8, waiting=200))
    admission.arrive(Ticket(store, SALES, 7), now_ms)  -> Served · Waiting · TurnedAway(retry_after_ms)
    admission.leave(ticket, now_ms)                    -> the tickets that are served now, in its place
    admission.give_up(ticket, now_ms)                  the client has gone, or has waited long enough

**The line** is ordered by a fixed place in time: when the request came, plus a handicap for its class, or a little
behind the place that the store had before, whichever is later. What redeems or asks for a lease goes before sales,
sales before profiles, those before telemetry; but what came long enough ago goes before all that comes now. When the
line is full, a newcomer with a better place takes that of the last. Who was turned away and asks again has the place of
his first try, so nobody starves, however long the rush. A store that asks over and over stands behind those that ask
seldom, and never has more than a few requests served at a time: one whose bodies do not arrive keeps nobody else out.
"""

from bisect import bisect_left, insort
from collections import Counter, OrderedDict
from typing import NamedTuple, TypeAlias
from uuid import UUID

from msgspec import Struct

from sync.protocol.backoff import slot_ms

REDEMPTIONS, SALES, PROFILES, TELEMETRY = range(4)
"""Classes of requests, the most pressing first."""

TURN_HEADER = "Counterfoil-Turn"
"""Names the place of a request that was turned away, in the refusal and in the next try: an opening is read only when
its turn has come, so nobody knows before whose it is. Whoever makes such a name up has the place of a newcomer."""

HANDICAP_MS = (0, 2_000, 5_000, 15_000)
"""How much later than it came a request of each class stands in the line."""
TURN_MS = 500
"""How far behind its last place a store's next request stands at least."""
RETRY_MS_MIN = 1_000
RETRY_MS_MAX = 300_000
TRIES_PER_S = 100
"""How often all who were turned away ask again, together: that much saying no costs a process little."""
EXPECTED_MS_MIN = 10_000
"""How long is believed in any case. How long service takes is measured in the very moment in which thousands are sent
away, and comes out many times too long: whoever believed it would leave the line empty for minutes."""
KEPT_MS = 2 * RETRY_MS_MAX
"""How long the place of one who was turned away is kept for him."""
REMEMBERED = 20_000
"""Of how many stores the last place is remembered, and how many places of those turned away: memory is bounded, whoever
asks."""
_FIRST_GUESS_MS = 50


class Limits(Struct, frozen=True, kw_only=True):
    """How many requests are served at a time, of one store too, and how many may wait. A store has one push under way,
    and beside it something that can wait, or a push of a line that has just broken."""

    served: int
    waiting: int
    of_a_store: int = 2


class Ticket(Struct, frozen=True):
    """A request in the line. `number` tells two of one store apart."""

    store: UUID
    priority: int
    number: int


class Served(Struct, frozen=True):
    """It is served now."""


class TurnedAway(Struct, frozen=True):
    """There is no room for `ticket`; ask again after so long."""

    ticket: Ticket
    retry_after_ms: int


class Waiting(Struct, frozen=True):
    """It waits until a `leave` names it. `instead_of` waited and has to go for it."""

    instead_of: TurnedAway | None = None


class _InLine(NamedTuple):
    """A request that waits: its place in time, with the order of arrival, and whose it is."""

    place: tuple[int, int]
    ticket: Ticket


class _Kept(NamedTuple):
    """The place of one who was turned away, and when he was."""

    place_ms: int
    told_ms: int


Decision: TypeAlias = Served | Waiting | TurnedAway


class Admission:
    """The line of one process. Holds no clock and no lock: the edge calls it from one thread."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._since: dict[Ticket, int] = {}
        self._of_store: Counter[UUID] = Counter()
        # (place in time, order of arrival) is never twice the same, so tickets are not compared. The same by store and
        # class: in a rush most of the work is to say no, and nobody should be looked for one by one.
        self._line: list[_InLine] = []
        self._by_owner: dict[tuple[UUID, int], _InLine] = {}
        self._last_places: OrderedDict[UUID, int] = OrderedDict()
        # In the order in which they were told, the longest ago first.
        self._kept_places: OrderedDict[tuple[UUID, int], _Kept] = OrderedDict()
        self._arrivals = 0
        self._service_ms = _FIRST_GUESS_MS

    @property
    def served(self) -> int:
        """How many requests are served now."""
        return len(self._since)

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._line)

    def arrive(self, ticket: Ticket, now_ms: int) -> Decision:
        """A request has come. A store that asks again in a class in which it waits takes its own place over: it did
        not hear the first time."""
        known = self._by_owner.get((ticket.store, ticket.priority))
        if known is not None:
            self._remove(known)
            self._insert(_InLine(known.place, ticket))
            return Waiting(TurnedAway(known.ticket, RETRY_MS_MAX))
        self._arrivals += 1
        place = (self._place_ms(ticket, now_ms), self._arrivals)
        if len(self._since) < self._limits.served and self._may_have_more(ticket):
            self._serve(ticket, place[0], now_ms)
            return Served()
        if len(self._line) < self._limits.waiting:
            self._insert(_InLine(place, ticket))
            return Waiting()
        if not self._line or self._line[-1].place < place:
            return self._turn_away(ticket, place[0], now_ms)
        last = self._line[-1]
        self._remove(last)
        self._insert(_InLine(place, ticket))
        return Waiting(self._turn_away(last.ticket, last.place[0], now_ms))

    def leave(self, ticket: Ticket, now_ms: int) -> tuple[Ticket, ...]:
        """A served request is done. Who is served now instead. One that is not served changes nothing."""
        since_ms = self._since.pop(ticket, None)
        if since_ms is None:
            return ()
        self._of_store[ticket.store] -= 1
        if not self._of_store[ticket.store]:
            del self._of_store[ticket.store]
        self._service_ms = max(1, (7 * self._service_ms + now_ms - since_ms) // 8)
        called = []
        while len(self._since) < self._limits.served:
            first = next((waiting for waiting in self._line if self._may_have_more(waiting.ticket)), None)
            if first is None:
                break
            self._remove(first)
            self._serve(first.ticket, first.place[0], now_ms)
            called.append(first.ticket)
        return tuple(called)

    def give_up(self, ticket: Ticket, now_ms: int) -> TurnedAway | None:
        """A request has waited long enough, or its client has gone; None where it was not waiting."""
        known = self._by_owner.get((ticket.store, ticket.priority))
        if known is None or known.ticket != ticket:
            return None
        self._remove(known)
        return self._turn_away(ticket, known.place[0], now_ms)

    def _may_have_more(self, ticket: Ticket) -> bool:
        return self._of_store[ticket.store] < self._limits.of_a_store

    def _insert(self, waiting: _InLine) -> None:
        insort(self._line, waiting, key=_place_of)
        self._by_owner[waiting.ticket.store, waiting.ticket.priority] = waiting

    def _remove(self, waiting: _InLine) -> None:
        del self._line[bisect_left(self._line, waiting.place, key=_place_of)]
        del self._by_owner[waiting.ticket.store, waiting.ticket.priority]

    def _serve(self, ticket: Ticket, place_ms: int, now_ms: int) -> None:
        self._since[ticket] = now_ms
        self._of_store[ticket.store] += 1
        self._last_places[ticket.store] = max(place_ms, self._last_places.pop(ticket.store, 0))
        if len(self._last_places) > REMEMBERED:
            self._last_places.popitem(last=False)

    def _place_ms(self, ticket: Ticket, now_ms: int) -> int:
        behind_last = self._last_places.get(ticket.store, 0) + TURN_MS
        place_ms = max(now_ms + HANDICAP_MS[ticket.priority], behind_last)
        kept = self._kept_places.pop((ticket.store, ticket.priority), None)
        return min(place_ms, kept.place_ms) if kept else place_ms

    def _turn_away(self, ticket: Ticket, place_ms: int, now_ms: int) -> TurnedAway:
        """After the time that all who are here or were sent away will take, each store at a moment of its own; but not
        so late that those who were sent away would ask less than TRIES_PER_S times a second.

            ahead, of them outside | service  | served at a time | expected          | told
            4000, 3740             | 10 ms    | 4                | 10 s              | 6 s to 16 s
            4000, 3740             | 800 ms   | 4                | 800 s, cut: 37 s  | 19 s to 57 s
            120, 100               | 800 ms   | 4                | 24 s, cut: 10 s   | 6 s to 16 s
        """
        kept = self._kept_places
        kept.pop((ticket.store, ticket.priority), None)
        kept[ticket.store, ticket.priority] = _Kept(place_ms, now_ms)
        while len(kept) > REMEMBERED or next(iter(kept.values())).told_ms < now_ms - KEPT_MS:
            kept.popitem(last=False)
        ahead = len(kept) + len(self._line) + len(self._since)
        believed_ms = max(EXPECTED_MS_MIN, len(kept) * 1_000 // TRIES_PER_S)
        expected_ms = min(believed_ms, ahead * self._service_ms // self._limits.served)
        spread_ms = slot_ms(ticket.store, max(RETRY_MS_MIN, expected_ms))
        return TurnedAway(ticket, min(RETRY_MS_MAX, RETRY_MS_MIN + expected_ms // 2 + spread_ms))


def _place_of(waiting: _InLine) -> tuple[int, int]:
    return waiting.place
