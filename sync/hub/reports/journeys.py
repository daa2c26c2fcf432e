"""pure: what moved members to buy (attribution, first and last touch), and in how many channels they meet the shop.

A touch is an enrolment, a coupon handed out, a campaign, an activity, a friend's word. A purchase is credited

    first   to the first touch the member ever had, if it was before the purchase
    last    to the newest touch before the purchase, at most WINDOW_DAYS old

and to `direct` where there is none. The whole purchase goes to one touch; no share of anything is guessed.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from sync.hub.reports.purchases import Purchase, histories_of, visits_of
from sync.hub.reports.report import Asked, Cells, Note, Report, each

WINDOW_DAYS = 30
TOUCH_COLUMNS = ("model", "kind", "source", "channel", "currency", "visits", "members", "spent_minor")
CHANNEL_COLUMNS = ("channels", "names", "currency", "members", "visits", "kept_minor", "kept_per_member_minor")

_DAY_MS = 86_400_000
_WHOLE_DAY = Note(
    "first_sale_of_the_day", "Purchases of one member at one shop on one day are credited together, by the first."
)
_WINDOW = Note(
    "last_touch_window", f"A last touch older than {WINDOW_DAYS} days moved nobody any more; a first touch never ages."
)
_NOT_CAUSE = Note("not_a_cause", "A touch before a purchase need not be its reason: nobody was held out by lot.")
_SELECTION = Note(
    "busy_members_meet_more_channels",
    "Members who buy much meet more channels. That they spend more in several channels does not say that channels made"
    " them.",
)


class Touch(NamedTuple):
    """Something that may have moved a member, at a time in milliseconds since 1970 UTC."""

    member: bytes
    at: int
    kind: str
    source: str
    channel: str


_DIRECT = Touch(b"", 0, "direct", "", "")


def report_attribution(asked: Asked, rows: Iterable[Purchase], touches: Iterable[Touch]) -> Report:
    """What the purchases of the span are credited to, by both models."""
    by_member: dict[bytes, list[Touch]] = defaultdict(list)
    for touch in sorted(touches, key=lambda touch: (touch.member, touch.at, touch.kind, touch.source)):
        by_member[touch.member].append(touch)
    groups: dict[tuple[str, str, str, str, str], list[Purchase]] = defaultdict(list)
    for row in rows:
        if row.visits > 0 and row.at is not None and asked.since <= row.business_day <= asked.until:
            own = by_member.get(row.member, [])
            for model, touch in (("first", _first(own, row.at)), ("last", _last(own, row.at))):
                groups[model, touch.kind, touch.source, touch.channel, row.currency].append(row)
    cells: list[Cells] = [
        (
            *key,
            sum(row.visits for row in group),
            len({row.member for row in group}),
            sum(row.spent_minor for row in group),
        )
        for key, group in sorted(groups.items())
    ]
    figures = {"visits": sum(int(row[5] or 0) for row in cells if row[0] == "first")}
    return Report(
        name="attribution",
        since=asked.since,
        until=asked.until,
        columns=TOUCH_COLUMNS,
        rows=cells,
        figures=figures,
        notes=(_NOT_CAUSE, _WINDOW, _WHOLE_DAY),
    )


def report_channels(asked: Asked, rows: Iterable[Purchase], touches: Iterable[Touch]) -> Report:
    """Members who bought in the span, by the channels they met the shop in: where they bought, and where they were
    touched in that time."""
    met: dict[bytes, set[str]] = defaultdict(set)
    for touch in touches:
        met[touch.member].add(touch.channel)
    groups: dict[tuple[int, str, str], list[Sequence[Purchase]]] = defaultdict(list)
    for (member, currency), history in histories_of(rows).items():
        if visits_of(history):
            names = met.get(member, set()) | {row.channel for row in visits_of(history)}
            groups[len(names), "+".join(sorted(names)), currency].append(history)
    cells: list[Cells] = []
    for key, members in sorted(groups.items()):
        kept = sum(row.kept_minor for history in members for row in history)
        visits = sum(row.visits for history in members for row in history)
        cells.append((*key, len(members), visits, kept, each(kept, len(members))))
    figures = {"members": sum(int(row[3] or 0) for row in cells)}
    return Report(
        name="channels",
        since=asked.since,
        until=asked.until,
        columns=CHANNEL_COLUMNS,
        rows=cells,
        figures=figures,
        notes=(_SELECTION,),
    )


def touches_of(touches: Iterable[Touch], survivors: Mapping[bytes, bytes]) -> list[Touch]:
    """The touches under the member who counts; `survivors` has who a merged member became, step by step."""
    found = []
    for touch in touches:
        member = touch.member
        while member in survivors:
            member = survivors[member]
        found.append(touch._replace(member=member))
    return found


def _first(touches: Sequence[Touch], at: int) -> Touch:
    return touches[0] if touches and touches[0].at <= at else _DIRECT


def _last(touches: Sequence[Touch], at: int) -> Touch:
    before = bisect_right(touches, at, key=lambda touch: touch.at)
    newest = touches[before - 1] if before else _DIRECT
    return newest if before and newest.at >= at - WINDOW_DAYS * _DAY_MS else _DIRECT
