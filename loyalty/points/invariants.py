"""pure: what must always hold of an account, as checks that answer sentences. No sentence means all is well.

`check` looks at one account and its postings, and is what `counterfoil verify` asks of every account. Each check proves
its invariant from the postings and from the finished account, not from how the fold got there, so a fold that breaks
one is found out. Two more compare what different histories lead to: `check_merge` (I13) and `check_split` (I14).

    I1   legs sum to the balance, lots and holds too; what is kept is what folding everything anew gives
    I2   no lot holds less than nothing or more than it brought, nor anything to spend once it has ended
    I3   no bucket is below nothing; while something is owed nothing is active
    I4   a posting counts once, however often it came; one name never stands for two facts
    I6   a hold is captured at most once, never for more than it held, and reserves nothing once it has lapsed
    I7   no line of a sale loses more points than it earned
    I8   no redemption gets back more points than it took
    I11  the order of arrival changes nothing
    I12  time that is let pass twice changes nothing the second time
    I13  a merge changes no amount
    I14  goods that come back in parts end in the same lots as goods that come back at once

I5 (journal), I9 (tenders) and I10 (coupons) are not the ledger's.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec.structs import replace

from loyalty.errors import Problem
from loyalty.points.account import Account, Bucket, Lot, posting_of, root_of
from loyalty.points.facts import Merge, Posting, PostingId, PostingKind, id_of, in_order, place_of, place_of_merge
from loyalty.points.fold import apply_postings, fold, view

_DAY_MS = 86_400_000


def check(account: Account, postings: Sequence[Posting], merges: Sequence[Merge] = ()) -> list[str]:
    """Every invariant that `account`, said to be the fold of `postings`, breaks; each sentence starts with its name.

    Legs are compared where the account has its own; one that was loaded without them passes.
    """
    breaches = []
    for name, find in CHECKS.items():
        breaches += [f"{name}: {breach}" for breach in find(account, postings, merges)]
    return breaches + check_merges(postings, merges)


def check_sums(account: Account, postings: Sequence[Posting], merges: Sequence[Merge]) -> Iterable[str]:
    """I1."""
    lots = account.lots.values()
    pending = sum([lot.free for lot in lots if lot.available_from > account.as_of])
    active = sum([lot.free for lot in lots]) - pending
    held = sum([lot.held for lot in lots])
    if (active, pending, held) != (account.active, account.pending, account.held):
        kept = (account.active, account.pending, account.held)
        yield f"the lots hold {active} active, {pending} pending, {held} held; the account says {kept}"
    reserved = sum([piece.points for hold in account.holds.values() for piece in hold.pieces])
    if reserved != account.held:
        yield f"the holds reserve {reserved} points, the account holds {account.held}"
    if account.legs:
        yield from _check_legs(account)
    anew = fold(postings, account.as_of, merges)
    if _substance(anew) != _substance(account):
        yield f"the account says {account.balance}, its postings say {anew.balance}, or their lots differ"


def _check_legs(account: Account) -> Iterable[str]:
    buckets: tuple[Bucket, ...] = ("active", "pending", "held", "debt")
    for bucket in buckets:
        moved = sum([leg.points for leg in account.legs if leg.bucket == bucket])
        kept = getattr(account, bucket)
        if moved != kept:
            yield f"the legs of {bucket} sum to {moved}, the account says {kept}"


def check_lots(account: Account, postings: Sequence[Posting], merges: Sequence[Merge]) -> Iterable[str]:
    """I2."""
    del merges
    brought = {id_of(posting): posting.points for posting in postings if posting.kind == "earn"}
    for lot in account.lots.values():
        counts = (lot.free, lot.held, lot.used, lot.expired, lot.clawed, lot.moved)
        if min(*counts, lot.gone, lot.owed, lot.claimed) < 0 or lot.free + lot.held > lot.points:
            yield f"{_name(lot)} brought {lot.points} points and holds {lot.free} free, {lot.held} held"
        if sum(counts) != lot.points or lot.gone > lot.expired or lot.claimed > lot.held:
            yield f"{_name(lot)} brought {lot.points} points, {sum(counts)} are accounted for"
        earned = brought.get(posting_of(lot.id))
        if lot.source == "earn" and not lot.id.restored and earned != lot.points:
            yield f"{_name(lot)} holds {lot.points} points, its posting brought {earned}"
        if lot.free and lot.expires_at is not None and lot.expires_at <= account.as_of:
            yield f"{_name(lot)} has ended and still has {lot.free} points free"


def check_buckets(account: Account, postings: Sequence[Posting], merges: Sequence[Merge]) -> Iterable[str]:
    """I3."""
    del postings, merges
    if min(account.active, account.pending, account.held, account.debt) < 0:
        yield f"a bucket is below nothing: {account.balance}"
    if account.debt and account.active:
        yield f"{account.debt} points are owed while {account.active} are active"


def check_names(account: Account, postings: Sequence[Posting], merges: Sequence[Merge]) -> Iterable[str]:
    """I4."""
    try:
        once = in_order(postings)
    except Problem as conflict:
        yield str(conflict)
        return
    if _substance(fold(once, account.as_of, merges)) != _substance(account):
        yield "a posting that came more than once counts more than once"


def check_holds(account: Account, postings: Sequence[Posting], merges: Sequence[Merge]) -> Iterable[str]:
    """I6."""
    del merges
    paid: dict[bytes, int] = {}
    for leg in account.legs:
        if leg.kind == "redeem" and leg.bucket == "held":
            paid[leg.posting.op_id] = paid.get(leg.posting.op_id, 0) - leg.points
    users: dict[bytes, list[int]] = {}
    for posting in in_order(postings):
        if posting.kind == "redeem" and posting.hold is not None and paid.get(posting.op_id):
            users.setdefault(posting.hold, []).append(-posting.points)
    for hold in account.holds.values():
        if len(users.get(hold.id, ())) > 1:
            yield f"hold {hold.id.hex()} was captured {len(users[hold.id])} times"
        if hold.points and hold.captured > hold.points:
            yield f"hold {hold.id.hex()} held {hold.points} points and paid {hold.captured}"
        if hold.captured and hold.state != "captured":
            yield f"hold {hold.id.hex()} paid {hold.captured} points and is {hold.state}"
        if hold.pieces and hold.state != "open":
            yield f"hold {hold.id.hex()} is {hold.state} and still reserves points"
        if hold.state == "open" and hold.expires_at <= account.as_of:
            yield f"hold {hold.id.hex()} has lapsed and is still open"
        if sum([piece.points for piece in hold.pieces]) > hold.points:
            yield f"hold {hold.id.hex()} reserves more than {hold.points} points"


def check_claws(account: Account, postings: Sequence[Posting], merges: Sequence[Merge]) -> Iterable[str]:
    """I7."""
    del merges
    earned_by = {id_of(posting): posting.points for posting in postings if posting.kind == "earn"}
    for sale, taken in _moved_by(account, postings, "reverse_earn").items():
        if taken > earned_by.get(sale, 0):
            yield f"sale {sale.op_id.hex()}:{sale.n} earned {earned_by.get(sale, 0)} points and lost {taken}"
    families: dict[object, int] = {}
    for lot in account.lots.values():
        root = root_of(lot.id)
        families[root] = families.get(root, 0) + lot.clawed + lot.gone + lot.owed
        earned = dict(lot.lines)
        for line, points in lot.clawed_lines:
            if points > earned.get(line, 0):
                yield f"{_name(lot)}: line {line} earned {earned.get(line, 0)} points and lost {points}"
    for lot in account.lots.values():
        if not lot.id.restored and families[lot.id] > lot.points:
            yield f"{_name(lot)} earned {lot.points} points and lost {families[lot.id]}"
        if not lot.id.restored and sum([points for _, points in lot.clawed_lines]) > families[lot.id]:
            yield f"{_name(lot)} lost {families[lot.id]} points, its lines say more"


def check_returns(account: Account, postings: Sequence[Posting], merges: Sequence[Merge]) -> Iterable[str]:
    """I8."""
    del merges
    asked = {id_of(posting): -posting.points for posting in postings if posting.kind == "redeem"}
    for sale, returned in _moved_by(account, postings, "reverse_redeem").items():
        if returned > asked.get(sale, 0):
            yield f"sale {sale.op_id.hex()}:{sale.n} took {asked.get(sale, 0)} points, {returned} came back"
    for redemption in account.redemptions.values():
        name = f"redemption {redemption.id.op_id.hex()}:{redemption.id.n}"
        if sum([piece.points for piece in redemption.pieces]) != asked.get(redemption.id):
            yield f"{name} took {redemption.pieces}, its posting says {asked.get(redemption.id)}"
        if redemption.restored > redemption.points or any(
            not 0 <= piece.restored <= piece.points for piece in redemption.pieces
        ):
            yield f"{name} took {redemption.points} points and got back {redemption.restored}"
        taken = dict(redemption.lines)
        for line, points in redemption.restored_lines:
            if points > taken.get(line, 0):
                yield f"{name}: line {line} paid {taken.get(line, 0)} points and got back {points}"


def _moved_by(account: Account, postings: Sequence[Posting], kind: PostingKind) -> dict[PostingId, int]:
    """How many points the returns of one kind really moved, for each posting that they name."""
    named = {id_of(posting): posting.reference for posting in postings if posting.kind == kind}
    sign = -1 if kind == "reverse_earn" else 1
    moved: dict[PostingId, int] = {}
    for leg in account.legs:
        reference = named.get(leg.posting)
        if leg.kind == kind and reference is not None:
            points = sign * (-leg.points if leg.bucket == "debt" else leg.points)
            moved[reference] = moved.get(reference, 0) + points
    return moved


def check_arrival(account: Account, postings: Sequence[Posting], merges: Sequence[Merge]) -> Iterable[str]:
    """I11: backwards, and each half swapped."""
    half = len(postings) // 2
    incidents = fold(postings, account.as_of, merges).incidents
    for order in (postings[::-1], [*postings[half:], *postings[:half]]):
        other = fold(order, account.as_of, merges)
        if _substance(other) != _substance(account) or other.incidents != incidents:
            yield "postings that arrive in another order give another account"


def check_time(account: Account, postings: Sequence[Posting], merges: Sequence[Merge]) -> Iterable[str]:
    """I12: a year passes at once, twice, and in steps."""
    del postings, merges
    year = account.as_of + 366 * _DAY_MS
    once = view(account, year)
    if view(once, year) != once:
        yield "time that passes twice changes the account twice"
    steps = account
    for day in range(0, 367, 61):
        steps = view(steps, account.as_of + day * _DAY_MS)
    if view(steps, year) != once:
        yield "time that passes in steps gives another account than time that passes at once"


Check = Callable[[Account, Sequence[Posting], Sequence[Merge]], Iterable[str]]
CHECKS: Mapping[str, Check] = {
    "I1": check_sums,
    "I2": check_lots,
    "I3": check_buckets,
    "I4": check_names,
    "I6": check_holds,
    "I7": check_claws,
    "I8": check_returns,
    "I11": check_arrival,
    "I12": check_time,
}


MEANINGS: Mapping[str, str] = {
    "I1": "legs, lots and holds add up to the balance",
    "I2": "no lot holds less than nothing or more than it brought, or anything once it has ended",
    "I3": "no bucket is below nothing and nothing is active while points are owed",
    "I4": "a posting counts once",
    "I6": "a hold pays at most once, never more than it held, and nothing is kept for it once it has lapsed",
    "I7": "a sale never loses more points than it earned",
    "I8": "a sale never gives back more points than it took",
    "I11": "the order of arrival changes nothing",
    "I12": "time that passes twice changes nothing the second time",
    "I13": "a merge changes no amount",
}
"""What each check says, for whoever reads a finding of verify."""


def check_merge(kept: Account, lost: Account, merged: Account) -> list[str]:
    """I13: the account of a merge, folded up to it, is worth what the two were worth at that instant."""
    breaches = []
    if merged.net != kept.net + lost.net:
        breaches.append(f"I13: {kept.net} and {lost.net} points became {merged.net}")
    if merged.pending != kept.pending + lost.pending or merged.held != kept.held + lost.held:
        breaches.append("I13: pending or held points were changed by a merge")
    if {**kept.lots, **lost.lots}.keys() != merged.lots.keys():
        breaches.append("I13: a lot came or went with a merge")
    return breaches


def check_merges(postings: Sequence[Posting], merges: Sequence[Merge]) -> list[str]:
    """I13 for each merge of an account, at its own place: what came before it, as two accounts and as one."""
    breaches: list[str] = []
    groups: dict[bytes, list[bytes]] = {}
    done: list[Merge] = []
    for merge in sorted({merge.op_id: merge for merge in merges}.values(), key=place_of_merge):
        place = place_of_merge(merge)
        sides = [groups.pop(member, [member]) for member in (merge.into, merge.absorbed)]
        before = [
            [posting for posting in postings if posting.member in side and place_of(posting) < place] for side in sides
        ]
        kept, lost = (
            fold(mine, merge.effective_at, [each for each in done if each.into in side])
            for mine, side in zip(before, sides, strict=True)
        )
        groups[merge.into] = sides[0] + sides[1]
        done.append(merge)
        joined = [each for each in done if each.into in groups[merge.into]]
        breaches += check_merge(kept, lost, fold([*before[0], *before[1]], merge.effective_at, joined))
    return breaches


def check_split(before: Account, whole: Sequence[Posting], parts: Sequence[Posting]) -> list[str]:
    """I14: `whole` and `parts` take the same goods back at one instant; both end in the same lots, holds and debt."""
    at_once, in_parts = apply_postings(before, whole), apply_postings(before, parts)
    if _amounts(at_once) != _amounts(in_parts):
        return [f"I14: at once {at_once.balance}, in parts {in_parts.balance}, or their lots differ"]
    return []


def _substance(account: Account) -> Account:
    """What two accounts must share: all but what they tell about their making."""
    return replace(account, legs=(), incidents=())


def _amounts(account: Account) -> Account:
    return replace(account, legs=(), incidents=(), last=None, returning=False)


def _name(lot: Lot) -> str:
    return f"lot {lot.id.op_id.hex()}:{lot.id.n}" + (f" restored until {lot.id.restored}" if lot.id.restored else "")
