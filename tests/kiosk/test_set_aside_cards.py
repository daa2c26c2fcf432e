"""Money on gift cards after two histories of one disk: what was paid with a card whose sale came back and was set aside
follows that sale; every other balance that nothing explains still is told."""

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from kiosk.commands import LineRequest, TenderRequest
from kiosk.coupons.gift_cards import GIFT_CARD
from kiosk.life.rules import RULES
from tests.kiosk.history import Story
from tests.kiosk.shopkit import NOW_MS, new_id, prove_all
from tests.kiosk.test_link_lives import Disk
from tests.kiosk.voucher_history import CARDS

HOUR_MS = 3_600_000
CODE = "GIFT CARD 0042"


def use_a_card(disk: Disk, hours: int) -> None:
    """A card is sold for 3.50, pays 1.29, and 1.29 again."""
    with disk.opened() as (connection, shop):
        tender_kinds = shop.terms.tender_kinds | {GIFT_CARD}
        terms = replace(shop.terms, gift_card_departments=frozenset({CARDS}), tender_kinds=tender_kinds)
        story = Story(connection, replace(shop, terms=terms), NOW_MS + hours * HOUR_MS)
        story.sell(LineRequest(sku="102", gift_card=CODE))
        for _ in range(2):
            story.sell(LineRequest(sku="100"), tenders=(TenderRequest(kind=GIFT_CARD, amount_minor=129, code=CODE),))


@pytest.fixture(name="disk")
def mend(tmp_path: Path) -> Disk:
    """Both histories gave the number of the card's sale; what the card paid has numbers of its own."""
    disk = Disk(tmp_path, seed=1)
    use_a_card(disk, hours=1)
    lost = disk.held(disk.epoch, disk.common.seq)
    disk.go_back()
    disk.sell(new_id(), hours=2)
    disk.plan(disk.common)
    disk.start()
    assert disk.take_back(lost) == 1
    return disk


def told(connection: Any) -> list[str]:  # noqa: ANN401  pysqlite3 has no types
    return list(RULES["gift_cards"](connection))  # type: ignore[operator]  # no joint check


def test_what_a_card_paid_counts_though_its_sale_was_set_aside(disk: Disk) -> None:
    assert disk.count("SELECT count(*) FROM gift_card_posting") == 2
    assert disk.count("SELECT balance_minor FROM gift_card_posting ORDER BY n DESC") == 350 - 2 * 129
    with disk.opened() as (connection, _):
        report = prove_all(connection)
    assert report.ok, report.first_wrong


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM set_aside_entry",
        "DELETE FROM journal WHERE (epoch, seq) IN (SELECT epoch, seq FROM set_aside_entry)",
        "UPDATE set_aside_entry SET seq = seq - 1",
        "UPDATE gift_card_posting SET balance_minor = balance_minor + 1",
        "UPDATE gift_card_posting SET balance_minor = balance_minor + 1 WHERE n = 3",
        "UPDATE gift_card_posting SET amount_minor = amount_minor - 1 WHERE n = 2",
        "UPDATE gift_card_posting SET n = n + 1 WHERE n = 3",
        "UPDATE gift_card_posting SET card = zeroblob(32)",
        "DELETE FROM gift_card_posting WHERE n = 2",
        "UPDATE gift_card_posting SET n = 1 WHERE n = 2",
    ],
)
def test_a_balance_that_no_movement_explains_is_told(disk: Disk, change: str) -> None:
    with disk.opened() as (connection, _):
        connection.execute("PRAGMA foreign_keys = OFF")
        assert told(connection) == []
        connection.execute(change)
        assert told(connection) != []
