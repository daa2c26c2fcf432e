"""A ledger test that reads like a bank statement.

    check_statement('''
        2026-01-05 10:00 | earns 100 as S1, until 2026-03-31  |           | active 100
        2026-01-05 10:01 | holds 80 as H1, for 15m            |           | active 20, held 80
        2026-01-05 10:02 | holds 30 as H2, for 15m            | insufficient_points |
        2026-01-05 10:03 | pays 80 as S2 with H1              |           | active 20
        2026-01-06 09:00 | takes back 100 of S1               |           | debt 80
    ''')

Each row: when (UTC), what happens, the refusal's code if it is refused, the balance after it (what is not named is 0;
an empty cell is not looked at). Rows stand in the order of arrival: one whose time is before that of the row above
comes late. After every row all invariants are checked, and that adding the row's posting where it sorts last gives what
folding everything anew gives.

    earns 100 [(1:60 2:40)] as S1 [, from DATE] [, until DATE]    a lot; the lines of the sale in parentheses
    holds 80 as H1, for 15m|3m|30m                                decided, then booked
    pays 80 [(1:50 2:30)] as S2 [with H1]                         decided, then booked
    owes 80 as S2 [with H1]                                       the fact of a till that did not ask: never refused
    releases H1                                                   decided, then booked
    takes back 40 [(1:40)] of S1                                  goods earned there come back
    gives back 40 [(1:40)] of S2 [, keep DATE]                    goods paid with points there come back
    adjusts 50|-50 because WORDS [, until DATE]                   by hand, up to 1000 points
    sends 30 | receives 30 [, until DATE]                         a transfer
    joins BEA                                                     the account of BEA becomes part of ANA's
    looks                                                         nothing; time has passed
    again ROW                                                     the posting of row ROW (1, 2, …) arrives once more

A name in capitals and a colon before the event says whose account it is; without one it is ANA's.
"""

import re
from datetime import UTC, datetime

import msgspec

from loyalty.errors import Problem
from loyalty.points.account import Account, Balance
from loyalty.points.decide import RedeemRules, Stamp, adjust, capture, place_hold, redeem, release
from loyalty.points.facts import LinePoints, Merge, Posting, PostingId, PostingKind
from loyalty.points.fold import apply_postings, fold, takes, view
from loyalty.points.invariants import check

EVENT = re.compile(
    r"(?:(?P<member>[A-Z]+): )?"
    r"(?P<verb>earns|holds|pays|owes|releases|takes back|gives back|adjusts|sends|receives|joins|looks|again)"
    r"(?: (?P<points>-?\d+)(?![\w-]))?(?: \((?P<lines>[\d: ]+)\))?(?: (?:as|of) (?P<name>\w+))?"
    r"(?: with (?P<hold>\w+))?(?: because (?P<reason>[^,]+))?(?: (?P<other>[A-Z]\w*))?"
    r"(?:, (?:for (?P<minutes>\d+)m|from (?P<begins>[\d-]+)))?(?:, (?:until|keep) (?P<ends>[\d-]+))?"
)
FACTS: dict[str, tuple[PostingKind, int, PostingKind | None]] = {
    "earns": ("earn", 1, None),
    "owes": ("redeem", -1, None),
    "takes back": ("reverse_earn", -1, "earn"),
    "gives back": ("reverse_redeem", 1, "redeem"),
    "sends": ("transfer", -1, None),
    "receives": ("transfer", 1, None),
}
MINUTE_MS = 60_000


def check_statement(text: str, rules: RedeemRules | None = None) -> Account:
    """Run a statement. Answers ANA's account after the last row."""
    statement = Statement(rules or RedeemRules())
    for line in filter(None, map(str.strip, text.splitlines())):
        when, event, refusal, balance = (cell.strip() for cell in line.split("|"))
        statement.run(when, event, refusal, balance)
    return statement.account("ANA")


def instant(text: str) -> int:
    """`2026-01-05` or `2026-01-05 10:00`, UTC, in milliseconds since 1970."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


def identity(name: str) -> bytes:
    """The 16 bytes that a name stands for."""
    return name.encode().rjust(16, b".")


class Statement:
    """The facts so far, of all members, in the order in which they arrived."""

    def __init__(self, rules: RedeemRules) -> None:
        self.rules = rules
        self.postings: list[Posting | Merge | None] = []
        self.now = 0
        self.folded: dict[str, Account] = {}

    def run(self, when: str, event: str, refusal: str, balance: str) -> None:
        """One row."""
        parsed = EVENT.fullmatch(event)
        assert parsed is not None, f"not an event: {event}"
        words = parsed.groupdict()
        member = words["member"] or "ANA"
        at = instant(when)
        self.now = max(self.now, at)
        code = ""
        try:
            posting = self.decide(member, at, words)
        except Problem as problem:
            posting, code = None, problem.code
        assert code == refusal, f"{when} {event}: {code or 'not refused'}, expected {refusal or 'no refusal'}"
        self.book(member, posting)
        self.postings.append(posting)
        account = self.account(member)
        assert check(account, *self.facts(member)) == [], f"{when} {event}"
        if balance:
            assert told(account.balance) == balance, f"{when} {event}"

    def facts(self, member: str) -> tuple[list[Posting], list[Merge]]:
        """What belongs to a member's account: her postings and those of who was joined with her."""
        members, merges = {identity(member)}, []
        for fact in self.postings:
            if isinstance(fact, Merge) and members & {fact.into, fact.absorbed}:
                members |= {fact.into, fact.absorbed}
                merges.append(fact)
        return [fact for fact in self.postings if isinstance(fact, Posting) and fact.member in members], merges

    def account(self, member: str) -> Account:
        """A member's account now, folded from everything that has arrived."""
        postings, merges = self.facts(member)
        return fold(postings, self.now, merges)

    def book(self, member: str, posting: Posting | Merge | None) -> None:
        """Keep an account that only ever has the newest posting added, and compare it."""
        before = self.folded.get(member, Account())
        postings, merges = self.facts(member)
        if isinstance(posting, Posting) and not merges and takes(before, [posting]):
            self.folded[member] = apply_postings(before, [posting])
            assert self.folded[member] == fold([*postings, posting])
            assert view(self.folded[member], self.now) == fold([*postings, posting], self.now)
        elif isinstance(posting, Posting) and not merges:
            self.folded[member] = fold([*postings, posting])

    def decide(self, member: str, at: int, words: dict[str, str | None]) -> Posting | Merge | None:
        """The fact that a row adds. Raises what the decision refuses."""
        verb, points = words["verb"], int(words["points"] or 0)
        row = f"row{len(self.postings) + 1}"
        name = words["name"] or words["other"] or row
        named = verb in ("earns", "holds", "pays", "owes")
        stamp = Stamp(identity(member), identity(name if named else row), 0, at, 1, len(self.postings) + 1)
        ends = instant(words["ends"]) if words["ends"] else None
        hold = identity(words["hold"]) if words["hold"] else None
        account = self.account(member)
        match verb:
            case "holds":
                return place_hold(account, self.rules, stamp, points, at + int(words["minutes"] or 0) * MINUTE_MS)
            case "pays" if hold is not None:
                return capture(account, stamp, hold, points, lines_of(words))
            case "pays":
                return redeem(account, self.rules, stamp, points, 10**9, lines_of(words))
            case "releases":
                return release(account, stamp, identity(name))
            case "adjusts":
                return adjust(account, stamp, points, words["reason"] or "", 1000, ends)
            case "joins":
                return Merge(op_id=stamp.op_id, effective_at=at, absorbed=identity(name), into=identity(member))
            case "again":
                return self.postings[points - 1]
            case "looks":
                return None
        return self.fact(stamp, words, name)

    def fact(self, stamp: Stamp, words: dict[str, str | None], name: str) -> Posting:
        """What nobody is asked about: the goods have moved."""
        kind, sign, reversed_kind = FACTS[words["verb"] or ""]
        ends = instant(words["ends"]) if words["ends"] else None
        return Posting(
            **msgspec.structs.asdict(stamp),
            kind=kind,
            points=sign * int(words["points"] or 0),
            lines=lines_of(words),
            hold=identity(words["hold"]) if words["hold"] else None,
            available_from=instant(words["begins"]) if words["begins"] else None,
            expires_at=ends if kind in ("earn", "transfer") else None,
            reference=self.sale(name, reversed_kind) if reversed_kind else None,
            keep_until=ends if kind == "reverse_redeem" else None,
        )

    def sale(self, name: str, kind: PostingKind) -> PostingId:
        """The posting that a return names, of whatever member; one that has not come yet is ANA's."""
        for posting in self.postings:
            if isinstance(posting, Posting) and (posting.op_id, posting.kind) == (identity(name), kind):
                return PostingId(posting.op_id, posting.n, posting.member)
        return PostingId(identity(name), 0, identity("ANA"))


def lines_of(words: dict[str, str | None]) -> LinePoints:
    """`1:60 2:40` as pairs."""
    return tuple((int(line), int(points)) for line, points in re.findall(r"(\d+):(\d+)", words["lines"] or ""))


def told(balance: Balance) -> str:
    """`active 20, held 80`; what is 0 is left out, `nothing` if all is."""
    counts = {"active": balance.active, "pending": balance.pending, "held": balance.held, "debt": balance.debt}
    return ", ".join(f"{bucket} {points}" for bucket, points in counts.items() if points) or "nothing"
