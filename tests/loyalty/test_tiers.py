"""Tiers: reached at once, lost only at a review, kept for the days of grace; the same from events in any order."""

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty.tiers import Ladder, Level, Qualifying, Standing, find_standing, reads_from

LADDER = Ladder(
    levels=(Level("silver", 500), Level("gold", 1000)), measure="spend", months=12, review="quarter", grace_days=14
)
START = dt.datetime.fromisoformat("2025-06-01T00:00")


def day(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def bought(text: str, amount: int) -> Qualifying:
    return Qualifying(day(text), amount, day(text))


def back(text: str, amount: int, of: str) -> Qualifying:
    return Qualifying(day(text), -amount, day(of))


YEAR = [
    bought("2026-01-10T10:00", 1100),
    back("2026-01-12T10:00", 300, "2026-01-10T10:00"),
    bought("2026-04-20T10:00", 250),
]


@pytest.mark.parametrize(
    ("at", "tier", "amount", "following", "missing"),
    [
        ("2026-01-10T09:59", None, 0, "silver", 500),
        ("2026-01-10T10:00", "gold", 1100, None, 0),
        ("2026-01-12T10:00", "gold", 800, None, 0),
        ("2026-04-01T00:00", "gold", 800, None, 0),
        ("2026-04-14T23:59", "gold", 800, None, 0),
        ("2026-04-15T00:00", "silver", 800, "gold", 200),
        ("2026-04-20T10:00", "gold", 1050, None, 0),
        ("2027-01-10T10:00", "gold", 250, None, 0),
        ("2027-01-20T10:00", "gold", 250, None, 0),
        ("2027-04-02T10:00", "gold", 250, None, 0),
        ("2027-04-15T00:00", None, 250, "silver", 250),
    ],
)
def test_the_worked_year_holds(at: str, tier: str | None, amount: int, following: str | None, missing: int) -> None:
    standing = find_standing(LADDER, YEAR, day(at))
    assert (standing.tier, standing.amount, standing.next, standing.missing) == (tier, amount, following, missing)


@pytest.mark.parametrize(
    ("at", "until"),
    [("2026-01-10T10:00", "2027-04-15"), ("2026-01-12T10:00", "2026-04-15"), ("2026-04-14T10:00", "2026-04-15")],
)
def test_a_member_can_be_told_until_when_the_tier_holds(at: str, until: str) -> None:
    held = find_standing(LADDER, [event for event in YEAR if event.at <= day(at)], day(at)).holds_until
    assert held == dt.date.fromisoformat(until)


def test_a_return_of_what_no_longer_counts_takes_nothing() -> None:
    events = [
        bought("2025-01-05T10:00", 900),
        back("2026-02-01T10:00", 900, "2025-01-05T10:00"),
        bought("2026-01-20T10:00", 600),
    ]
    assert find_standing(LADDER, events, day("2026-02-02T00:00")).amount == 600


def test_without_tiers_nobody_has_one() -> None:
    assert find_standing(Ladder(), YEAR, day("2026-06-01T00:00")) == Standing(amount=1050)


@pytest.mark.parametrize(
    "wrong",
    [
        {"levels": (Level("a", 5), Level("b", 5))},
        {"levels": (Level("b", 9), Level("a", 5))},
        {"levels": (Level("a", 5), Level("a", 9))},
        {"months": 0},
        {"review": "month", "grace_days": 28},
    ],
)
def test_a_ladder_that_cannot_be_climbed_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"tiers rise|months|grace"):
        Ladder(**wrong)  # type: ignore[arg-type]


@st.composite
def histories(draw: st.DrawFn) -> list[Qualifying]:
    events = []
    for days, amount, back_after in draw(
        st.lists(st.tuples(st.integers(0, 900), st.integers(1, 900), st.none() | st.integers(0, 500)), max_size=12)
    ):
        at = START + dt.timedelta(days=days, hours=10)
        events.append(Qualifying(at, amount, at))
        if back_after is not None:
            events.append(Qualifying(at + dt.timedelta(days=back_after), -amount, at))
    return events


ladders = st.builds(
    Ladder,
    levels=st.just((Level("silver", 500), Level("gold", 1000))),
    months=st.sampled_from([1, 6, 12]),
    review=st.sampled_from(["month", "quarter", "year"]),
    grace_days=st.sampled_from([0, 14, 27]),
)


@settings(max_examples=150, derandomize=True, deadline=None)
@given(ladders, histories(), st.integers(0, 1_500))
def test_the_tier_is_what_living_day_by_day_would_have_made_it(
    ladder: Ladder, events: list[Qualifying], days: int
) -> None:
    now = START + dt.timedelta(days=days, hours=12)
    standing = find_standing(ladder, events, now)
    assert standing.tier == _lived(ladder, events, now)
    assert find_standing(ladder, events[::-1], now) == standing
    since = reads_from(ladder, now)
    assert find_standing(ladder, [event for event in events if event.of > since], now).tier == standing.tier


def _lived(ladder: Ladder, events: list[Qualifying], now: dt.datetime) -> str | None:
    """A clerk's way: from the first day to this one, look at every event, every review, every end of a grace."""
    months = {"month": 1, "quarter": 3, "year": 12}[ladder.review]
    tier, drops_on = 0, None
    today = START.replace(year=START.year - 1, month=1, day=1)
    while today <= now:
        if today.day == 1 and (today.month - 1) % months == 0:
            drops_on = today + dt.timedelta(days=ladder.grace_days)
            floor = ladder.level_for(_counts(ladder, events, today, before=True))
        if drops_on == today:
            tier, drops_on = floor, None
        for event in sorted((each for each in events if each.at.date() == today.date()), key=lambda each: each.at):
            if event.at <= now:
                reached = ladder.level_for(_counts(ladder, events, event.at))
                tier, floor = max(tier, reached), max(floor, reached)
        today += dt.timedelta(days=1)
    tier = max(tier, floor)
    return ladder.levels[tier - 1].name if tier else None


def _counts(ladder: Ladder, events: list[Qualifying], moment: dt.datetime, *, before: bool = False) -> int:
    month = moment.year * 12 + moment.month - 1 - ladder.months
    year, month = divmod(month, 12)
    last = (dt.date(year + month // 11, (month + 1) % 12 + 1, 1) - dt.timedelta(days=1)).day
    start = moment.replace(year=year, month=month + 1, day=min(moment.day, last))
    return sum(e.amount for e in events if e.of > start and (e.at < moment or (e.at == moment and not before)))
