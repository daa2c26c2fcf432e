"""Small worlds of stores that lose their line, walked through completely: every order of everything that can happen.

One point is worth one minor unit. A world knows a head office with some members' free points and, for each store and
member, what the store last read, what it redeemed on the floor and has not pushed, what was pushed and is not
acknowledged, and a lease. What a store may do is asked of the real decision.

    world = World(stores=2, members=1, balance=2, policy=policy)
    losses = [loss(state) for state in world.reachable()]
"""

from collections.abc import Iterator
from typing import NamedTuple

from loyalty.errors import Problem
from loyalty.exposure import MemberState, OfflinePolicy, StoreState, may_spend
from loyalty.leases import Lease, Loan, Uptime

_NOW = Uptime("boot", 0)


class Place(NamedTuple):
    """One member at one store. `read` is the free balance it last read; `unpushed` and `unacknowledged` are floor
    redemptions before and after they reached head office; a lease of `lent` points, `taken` of them spent."""

    read: int
    unpushed: int = 0
    unacknowledged: int = 0
    lent: int = 0
    taken: int = 0
    ended: bool = False


class State(NamedTuple):
    """The world at one moment: free points by member at head office (below zero is debt), places by store and
    member."""

    free: tuple[int, ...]
    places: tuple[tuple[Place, ...], ...]


class World(NamedTuple):
    """What there is and what can happen. The last two are faults that a head office or a store must not have."""

    stores: int
    members: int
    balance: int
    policy: OfflinePolicy
    others_spend: bool = True
    lend: int = 0
    arrival_acknowledges: bool = False
    time_takes_leases_back: bool = False

    def reachable(self) -> set[State]:
        """Every state that any order of events leads to."""
        row = tuple(Place(self.balance) for _ in range(self.members))
        start = State((self.balance,) * self.members, (row,) * self.stores)
        found, waiting = {start}, [start]
        while waiting:
            for state in self._next(waiting.pop()):
                if state not in found:
                    found.add(state)
                    waiting.append(state)
        return found

    def _next(self, state: State) -> Iterator[State]:
        for store in range(self.stores):
            yield self._push(state, store)
            yield self._pull(state, store)
            for member in range(self.members):
                yield from self._redeem(state, store, member)
                yield from self._leases(state, store, member)
        for member, free in enumerate(state.free):
            if self.others_spend and free >= 1:
                yield _with_free(state, member, -1)

    def _push(self, state: State, store: int) -> State:
        """Everything reaches head office; its answer may be lost, then this is all that happened."""
        for member, place in enumerate(state.places[store]):
            known = 0 if self.arrival_acknowledges else place.unacknowledged + place.unpushed
            arrived = place._replace(unpushed=0, unacknowledged=known)
            if self.arrival_acknowledges:  # the store's own balance still counts what it spent, only the floor is free
                arrived = arrived._replace(read=place.read - place.unpushed)
            state = _with_free(_with_place(state, store, member, arrived), member, -place.unpushed)
        return state

    def _pull(self, state: State, store: int) -> State:
        """The store reads up to the end: accounts, and what of its own is in them."""
        for member, place in enumerate(state.places[store]):
            if self.arrival_acknowledges:
                continue  # the line that lets everything out and nothing in
            read = place._replace(read=max(state.free[member], 0), unacknowledged=0)
            state = _with_place(state, store, member, read)
        return state

    def _redeem(self, state: State, store: int, member: int) -> Iterator[State]:
        """One point is redeemed, if the store lets it."""
        row, place = state.places[store], state.places[store][member]
        loan = Loan(_lease(place), place.taken)
        floor_left = place.read - place.unpushed - place.unacknowledged
        if floor_left < 1 and place.taken >= place.lent:
            return  # the balance it knows is used up
        try:
            backing = may_spend(
                1,
                1,
                MemberState(
                    loans=(loan,), unacknowledged_minor=place.unpushed + place.unacknowledged, account_age_ms=0
                ),
                StoreState(
                    online=False,
                    unacknowledged_minor=sum(each.unpushed + each.unacknowledged for each in row),
                    uptime=_NOW,
                ),
                self.policy,
            )
        except Problem:
            return
        if backing.leases:
            yield _with_place(state, store, member, place._replace(taken=place.taken + 1))
        elif floor_left >= 1:
            yield _with_place(state, store, member, place._replace(unpushed=place.unpushed + 1))

    def _leases(self, state: State, store: int, member: int) -> Iterator[State]:
        """Head office lends once to each place; the lease ends; its end is reported."""
        place = state.places[store][member]
        if self.lend and not place.lent and state.free[member] >= self.lend:
            yield _with_free(
                _with_place(state, store, member, place._replace(lent=self.lend, ended=False)), member, -self.lend
            )
        if place.lent and not place.ended:
            over = _with_place(state, store, member, place._replace(ended=True))
            yield _with_free(over, member, place.lent if self.time_takes_leases_back else 0)
        if place.ended and not self.time_takes_leases_back and place.lent > place.taken:
            reported = place._replace(lent=place.taken)
            yield _with_free(_with_place(state, store, member, reported), member, place.lent - place.taken)

    def overspent(self, state: State) -> int:
        """What members spent beyond what they had, in all: what somebody owes in the end."""
        return sum(max(self._spent(state, member) - self.balance, 0) for member in range(self.members))

    def unseen(self, state: State) -> int:
        """The part of it that head office does not know of yet."""
        return self.overspent(state) - sum(max(-free, 0) for free in state.free)

    def _spent(self, state: State, member: int) -> int:
        row = [places[member] for places in state.places]
        lent = sum(place.lent for place in row if not (place.ended and self.time_takes_leases_back))
        return self.balance - state.free[member] - lent + sum(place.unpushed + place.taken for place in row)


def _lease(place: Place) -> Lease:
    return Lease(id=b"lease", member=b"member", points=place.lent, boot="boot", ends_at_ms=0 if place.ended else 1)


def _with_free(state: State, member: int, points: int) -> State:
    free = list(state.free)
    free[member] += points
    return state._replace(free=tuple(free))


def _with_place(state: State, store: int, member: int, place: Place) -> State:
    rows = [list(row) for row in state.places]
    rows[store][member] = place
    return state._replace(places=tuple(tuple(row) for row in rows))
