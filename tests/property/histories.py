"""Histories of points for property tests: few hours, few points, few names, so that everything collides.

What comes out is anything that stores could ever send, decided or not: returns before their sale or of a sale that
never comes, holds captured twice, points spent that are not there, clocks that disagree.
"""

from typing import Any

from hypothesis import strategies as st

from loyalty.points.facts import Posting, PostingId, PostingKind, id_of

ANA, BEA = b"ana".rjust(16, b"."), b"bea".rjust(16, b".")
HOUR_MS = 3_600_000
KINDS: tuple[PostingKind, ...] = (
    *("earn", "earn", "earn", "redeem", "redeem", "hold", "hold", "release"),
    *("reverse_earn", "reverse_earn", "reverse_redeem", "reverse_redeem", "adjust", "transfer"),
)


def identity(number: int) -> bytes:
    return number.to_bytes(16)


@st.composite
def histories(draw: st.DrawFn, member: bytes = ANA, first: int = 1, last_hour: int = 8) -> list[Posting]:
    """Up to 14 postings of a member. Names count up from `first`; the times do not."""
    postings: list[Posting] = []
    for number in range(first, first + draw(st.integers(0, 14))):
        kind = draw(st.sampled_from(KINDS))
        at = draw(st.integers(0, last_hour)) * HOUR_MS
        facts = draw(facts_of(kind, at, postings, member))
        origin = draw(st.integers(0, 1))
        posting = Posting(
            member=member, op_id=identity(number), kind=kind, effective_at=at, origin=origin, seq=number, **facts
        )
        postings.append(posting)
    return postings


@st.composite
def facts_of(draw: st.DrawFn, kind: PostingKind, at: int, postings: list[Posting], member: bytes) -> dict[str, Any]:
    """The fields of a posting of one kind that may name one of `postings`, or one that never comes."""

    def named(wanted: PostingKind) -> PostingId:
        known = [id_of(posting) for posting in postings if posting.kind == wanted]
        return draw(st.sampled_from([*known, PostingId(identity(999), 0, member)]))

    def later(hours: int) -> int:
        return at + draw(st.integers(1, hours)) * HOUR_MS

    lines = tuple((line, draw(st.integers(0, 20))) for line in (1, 2))
    points = lines[0][1] + lines[1][1]
    shown = lines if draw(st.booleans()) else ()
    match kind:
        case "earn":
            begins = draw(st.sampled_from([None, at, at + 2 * HOUR_MS]))
            ends = draw(st.sampled_from([None, (begins or at) + HOUR_MS, (begins or at) + 5 * HOUR_MS]))
            return {"points": points, "lines": shown, "available_from": begins, "expires_at": ends}
        case "redeem":
            hold = draw(st.sampled_from([None, named("hold").op_id]))
            return {"points": -points, "lines": shown, "hold": hold}
        case "hold":
            return {"points": points + 1, "expires_at": later(3)}
        case "release":
            return {"hold": named("hold").op_id}
        case "reverse_earn":
            return {"points": -points, "lines": shown, "reference": named("earn")}
        case "reverse_redeem":
            keep_until = draw(st.sampled_from([None, at + 4 * HOUR_MS]))
            return {"points": points, "lines": shown, "reference": named("redeem"), "keep_until": keep_until}
        case "adjust" | "transfer":
            ends = draw(st.sampled_from([None, at + 3 * HOUR_MS]))
            return {"points": draw(st.integers(-30, 30)), "expires_at": ends}
    raise AssertionError(kind)


@st.composite
def accounts(draw: st.DrawFn) -> tuple[list[Posting], int]:
    """A history in an order of arrival, some of it twice, and the instant at which somebody looks."""
    postings = draw(histories())
    again = draw(st.lists(st.sampled_from(postings), max_size=3)) if postings else []
    arrived = draw(st.permutations([*postings, *again]))
    return list(arrived), draw(st.integers(0, 24)) * HOUR_MS


@st.composite
def returned_sales(draw: st.DrawFn) -> tuple[list[Posting], list[Posting], list[Posting]]:
    """A history with a sale that was paid with points and earned some, and what happened after it; then its return: at
    once, and in up to four parts, all at one instant after everything else."""
    sale_at, return_at = 4 * HOUR_MS, 10 * HOUR_MS
    before = [
        posting
        for posting in draw(histories(first=100, last_hour=9))
        if posting.kind not in ("release", "reverse_earn", "reverse_redeem")
    ]
    paid = tuple((line, draw(st.integers(0, 30))) for line in (1, 2))
    earned = tuple((line, draw(st.integers(0, 30))) for line in (1, 2))
    ends = draw(st.sampled_from([None, sale_at + 2 * HOUR_MS, 30 * HOUR_MS]))
    sale = identity(50)
    pay = Posting(member=ANA, op_id=sale, n=0, kind="redeem", points=-total(paid), effective_at=sale_at, lines=paid)
    earn = Posting(
        member=ANA,
        op_id=sale,
        n=1,
        kind="earn",
        points=total(earned),
        effective_at=sale_at,
        expires_at=ends,
        lines=earned,
    )
    # How many of the 12 pieces of each line are back after each part, 12 in the end.
    cuts = draw(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=3))
    steps = [*zip(sorted(one for one, _ in cuts), sorted(two for _, two in cuts), strict=True), (12, 12)]
    keep_until = draw(st.sampled_from([return_at + HOUR_MS, 20 * HOUR_MS]))

    def part(number: int, now: tuple[int, int], was: tuple[int, int]) -> list[Posting]:
        back, gone = (
            tuple(
                (line, whole * n // 12 - whole * w // 12) for (line, whole), n, w in zip(lines, now, was, strict=True)
            )
            for lines in (paid, earned)
        )
        facts: dict[str, Any] = {"member": ANA, "op_id": identity(number), "effective_at": return_at, "seq": number}
        return [
            Posting(
                **facts,
                n=0,
                kind="reverse_redeem",
                points=total(back),
                lines=back,
                reference=id_of(pay),
                keep_until=keep_until,
            ),
            Posting(**facts, n=1, kind="reverse_earn", points=-total(gone), lines=gone, reference=id_of(earn)),
        ]

    whole = part(200, (12, 12), (0, 0))
    parts = []
    for index, now in enumerate(steps):
        parts += part(200 + index, now, steps[index - 1] if index else (0, 0))
    return [*before, pay, earn], whole, parts


def total(lines: tuple[tuple[int, int], ...]) -> int:
    return sum(points for _, points in lines)
