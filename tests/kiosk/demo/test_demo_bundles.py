"""edge: the demonstration's head office decides two things over HTTP, once, for the days after it was started."""

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from kiosk.demo.bundles import next_saturday, plan_bundles
from kiosk.demo.head_office import HeadOffice
from sync.facts.catalogue import ProductFact
from tests.ports import reserve_port

WARSAW = ZoneInfo("Europe/Warsaw")
NOW = dt.datetime(2026, 11, 22, 9, 30, tzinfo=WARSAW)
MILK = ProductFact(
    sku="1", name="Milk", department="Grocery", tax_class="food", price_minor=185, gtins=("09520000000011",)
)


@pytest.mark.parametrize(
    ("today", "saturday"),
    [
        ("2026-11-22T09:30", "2026-11-28T06:00"),
        ("2026-11-27T23:59", "2026-11-28T06:00"),
        ("2026-11-28T00:00", "2026-12-05T06:00"),
        ("2026-11-28T12:00", "2026-12-05T06:00"),
    ],
)
def test_the_weekend_is_the_next_one_that_is_not_today(today: str, saturday: str) -> None:
    now = dt.datetime.fromisoformat(today).replace(tzinfo=WARSAW)
    assert next_saturday(now) == dt.datetime.fromisoformat(saturday).replace(tzinfo=WARSAW)


def test_prices_at_once_and_an_offer_with_its_end_are_planned_once(tmp_path: Path) -> None:
    # `now` lies years ahead, so that nothing planned for the weekend is ever too soon.
    now = NOW.replace(year=dt.datetime.now(dt.UTC).year + 2)
    with HeadOffice(tmp_path, reserve_port()) as office:
        plan_bundles(office, (MILK,), now)
        items = office.call("GET", "/v1/bundles")["items"]
        plan_bundles(office, (MILK,), now)
        assert office.call("GET", "/v1/bundles")["items"] == items
        milk = office.call("GET", "/v1/products/1")
    assert [(each["campaign"], each["title"], each["changes"]) for each in items] == [
        ("weekend", "Weekend offer", 1),
        ("weekend", "Weekend offer", 1),
        ("new-prices", "New prices", 1),
    ]
    assert milk["definition"]["price_minor"] == 159
    begins = [dt.datetime.fromisoformat(each["active_from"]) for each in items[:2]]
    assert sorted(begins) == [next_saturday(now), next_saturday(now) + dt.timedelta(days=2)]
