"""A card that a store took in without knowing whose it is finds its member; nobody else is joined by it."""

import functools
from uuid import UUID

import msgspec
import pytest

from sync.chain import private_hash
from sync.facts.members import MemberEnrolled, PrivateProfile
from sync.facts.shifts import DrawerOpened
from sync.hub.applier import apply_own
from sync.hub.card_owners import bind_cards
from tests.sync.hub.appliers.office import NOW_MS, OTHER, THIRD, Office, Shop

CARD, ANOTHER = "29000000000000000039", "29000000000000000136"


def bind(office: Office) -> int:
    """Everything that can be joined is joined, some questions at a time."""
    count, after = 0, b""
    while True:
        bound = office.do(functools.partial(bind_cards, after=after, limit=1, now_ms=NOW_MS + 1))
        office.do(lambda tx: apply_own(tx, NOW_MS + 1, ""))
        count += bound.joined
        if bound.after is None:
            return count
        after = bound.after


def active(office: Office, member: UUID) -> int:
    """The points of the person that a member is."""
    ((points,),) = office.do(
        lambda tx: tx.execute(
            "SELECT sum(active) FROM account WHERE member = ?"
            " OR member = (SELECT into_member FROM member_merge WHERE absorbed = ?)",
            (member.bytes, member.bytes),
        ).fetchall()
    )
    return int(points or 0)


def told(office: Office, *shops: Shop) -> None:
    for shop in shops:
        office.take_in(shop.store, shop.journal)
        office.apply_all(shop.store)


@pytest.mark.parametrize("first", ["member", "card"])
def test_what_a_card_earned_elsewhere_is_its_members(office: Office, first: str) -> None:
    home, away = Shop(), Shop(OTHER, epoch=8)
    if first == "card":  # its id is older: the member herself was entered later, in a store that was offline, too
        stranger, anna = away.id(), home.id()
    else:
        anna, stranger = home.id(), away.id()
    home.enrol(anna, "+48600100200", card=CARD)
    home.sell(anna, earn=10)
    away.enrol(stranger, name="", card=CARD, brought_card=True)
    away.sell(stranger, earn=7)
    told(office, *((home, away) if first == "member" else (away, home)))
    assert bind(office) == 1
    assert active(office, anna) == 17
    assert office.rows("member_merge", "absorbed, into_member") == [(stranger.bytes, anna.bytes)]
    assert [kind for kind, *_ in office.incidents()] == [], "nobody has to be asked any more"
    assert bind(office) == 0


def test_one_card_taken_in_by_two_stores_is_one_member(office: Office) -> None:
    one, two = Shop(), Shop(OTHER, epoch=8)
    first, second = one.id(), two.id()
    one.enrol(first, name="", card=CARD, brought_card=True)
    two.enrol(second, name="", card=CARD, brought_card=True)
    one.sell(first, earn=3)
    two.sell(second, earn=4)
    told(office, one, two)
    assert bind(office) == 1
    assert active(office, second) == 7


@pytest.mark.parametrize(
    "more",
    [
        {"name": "Bea"},
        {"phone": "+48600999888"},
        {"more_cards": (ANOTHER,)},
        {"pin_hash": "of 4711"},
        {"code_secret": "JBSWY3DP"},
        {"brought_card": False},
    ],
    ids=["name", "phone", "card", "PIN", "code", "given here"],
)
def test_whoever_is_more_than_a_card_is_a_persons_decision(office: Office, more: dict[str, object]) -> None:
    home, away = Shop(), Shop(OTHER, epoch=8)
    anna, other = home.id(), away.id()
    home.enrol(anna, "+48600100200", card=CARD)
    away.enrol(other, **{"name": "", "card": CARD, "brought_card": True, **more})  # type: ignore[arg-type]
    told(office, home, away)
    assert bind(office) == 0
    assert [kind for kind, *_ in office.incidents()] == ["duplicate_member"]


def test_an_enrolment_under_another_entrys_name_stops_nobody_elses_joining(office: Office) -> None:
    """A store that lies: where the entry should stand with which she joined stands something else."""
    home, away, liar = Shop(), Shop(OTHER, epoch=8), Shop(THIRD, epoch=9)
    anna, stranger, fake = home.id(), away.id(), liar.id()
    home.enrol(anna, "+48600100200", card=CARD)
    away.enrol(stranger, name="", card=CARD, brought_card=True)
    data = msgspec.json.encode(PrivateProfile(card=CARD))
    body = MemberEnrolled(request="", member=fake, locale="en", private=private_hash(b"salt", data), brought_card=True)
    liar.log(body, liar.id(), private=(fake, b"salt", data))
    liar.log(DrawerOpened(request="", till="T01", reason="change"), fake)
    told(office, home, away, liar)
    bind(office)
    assert (stranger.bytes, anna.bytes) in office.rows("member_merge", "absorbed, into_member")


@pytest.mark.parametrize("theirs", ["card", "more_cards"])
def test_whoever_only_says_that_a_card_is_theirs_does_not_get_its_members_points(office: Office, theirs: str) -> None:
    """The owner has told nobody a name: her card is all that is known of her. Nor are those who shopped with it in a
    store that did not know her joined with whoever claims it."""
    home, away, far = Shop(), Shop(OTHER, epoch=8), Shop(THIRD, epoch=9)
    owner, claims, stranger = home.id(), away.id(), far.id()
    card = {"card": CARD} if theirs == "card" else {"card": ANOTHER, "more_cards": (CARD,)}
    away.enrol(claims, "+48600999888", name="Bea", brought_card=theirs == "card", pin_hash="of 4711", **card)
    far.enrol(stranger, name="", card=CARD, brought_card=True)
    told(office, away, far)
    assert bind(office) == 0
    home.enrol(owner, name="", card=CARD)
    home.sell(owner, earn=10)
    told(office, home)
    assert bind(office) == 1, "the stranger is the owner"
    assert office.rows("member_merge", "absorbed, into_member") == [(stranger.bytes, owner.bytes)]
    assert active(office, claims) == 0


def test_a_phone_in_common_joins_nobody(office: Office) -> None:
    home, away = Shop(), Shop(OTHER, epoch=8)
    anna, other = home.id(), away.id()
    home.enrol(anna, "+48600100200", card=CARD)
    away.enrol(other, "+48600100200", name="", card=ANOTHER)
    told(office, home, away)
    assert bind(office) == 0
    assert len(office.incidents()) == 1
