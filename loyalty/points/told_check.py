"""pure: what an account must be like that another place tells, before anything is posted on top of it.

The fold keeps all of this of accounts that it makes itself (loyalty/points/invariants.py). A value that came over the
line may say anything: what contradicts itself, or could not be written down, is refused before a sale depends on it.
"""

from collections.abc import Iterable, Iterator

from loyalty.points.account import Account, Hold, Lot, LotId, Piece, Redemption, root_of
from loyalty.points.facts import LinePoints

COUNT_MAX = 2**53
"""No number of points, and no instant, of any account is beyond this; sums of a few still fit into 64 bits."""


def check_account(account: Account) -> None:
    """Raises ValueError for an account that is not the sum of its lots, or whose lots, holds or redemptions say what
    cannot be."""
    for complaint in _look(account):
        raise ValueError(complaint)


def _look(account: Account) -> Iterator[str]:
    if any(not _is_possible_lot(lot) for lot in account.lots.values()):
        yield "a lot does not add up"
    if any(taken > account.lots[root].points for root, taken in _taken_back(account) if root in account.lots):
        yield "more was taken back of a lot than it brought"
    if any(not _is_possible_hold(hold) for hold in account.holds.values()):
        yield "a hold says what cannot be"
    if any(not _is_possible_redemption(each) for each in account.redemptions.values()):
        yield "a redemption says what cannot be"
    if account.last is not None and account.last[0] > account.as_of:
        yield "an account is older than its newest posting"
    if account.debt and account.active:
        yield "debt and points at once"
    yield from _compare_sums(account)


def _compare_sums(account: Account) -> Iterator[str]:
    active = pending = held = 0
    for lot in account.lots.values():
        held += lot.held
        if lot.available_from > account.as_of:
            pending += lot.free
        else:
            active += lot.free
    reserved: dict[LotId, int] = {}
    for hold in account.holds.values():
        for piece in hold.pieces:
            reserved[piece.lot] = reserved.get(piece.lot, 0) + piece.points
    if any(name not in account.lots or account.lots[name].held != points for name, points in reserved.items()):
        yield "a hold reserves what no lot has"
    if (active, pending, held) != (account.active, account.pending, account.held) or sum(reserved.values()) != held:
        yield "the lots are not the balance"


def _taken_back(account: Account) -> Iterable[tuple[LotId, int]]:
    """What goods that came back took, of each lot with its children."""
    taken: dict[LotId, int] = {}
    for lot in account.lots.values():
        root = root_of(lot.id)
        taken[root] = taken.get(root, 0) + lot.clawed + lot.gone + lot.owed
    return taken.items()


def _is_possible_lot(lot: Lot) -> bool:
    counts = (lot.free, lot.held, lot.used, lot.expired, lot.clawed, lot.moved)
    return (
        min(*counts, lot.gone, lot.owed, lot.claimed) >= 0
        and lot.points == sum(counts)
        and lot.gone <= lot.expired
        and lot.claimed <= lot.held
        and _are_part_of(lot.clawed_lines, lot.lines)
    )


def _is_possible_hold(hold: Hold) -> bool:
    return (
        _are_possible(hold.pieces)
        and sum(piece.points for piece in hold.pieces) <= hold.points
        and (hold.captured <= hold.points or not hold.points)
        and (hold.state == "open" or not hold.pieces)
        and (hold.state == "captured" or not hold.captured)
    )


def _is_possible_redemption(redemption: Redemption) -> bool:
    return (
        _are_possible(redemption.pieces)
        and sum(piece.points for piece in redemption.pieces) <= redemption.points
        and _are_part_of(redemption.restored_lines, redemption.lines)
    )


def _are_possible(pieces: Iterable[Piece]) -> bool:
    return all(0 <= piece.restored <= piece.points for piece in pieces)


def _are_part_of(some: LinePoints, lines: LinePoints) -> bool:
    """Whether no line of `some` has more than the same one of `lines`, in which each stands once."""
    whole = dict(lines)
    if len(whole) < len(lines) or any(not 0 <= points <= COUNT_MAX for points in whole.values()):
        return False
    return all(0 <= points <= whole.get(line, -1) for line, points in some)
