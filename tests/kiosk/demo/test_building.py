"""edge: the demonstration store is built once, with a past that reports can show; the same folder goes on."""

import datetime as dt
import shutil
from pathlib import Path

import msgspec
import pytest

from kiosk.compose import now_ms
from kiosk.config import Config
from kiosk.demo.loyalty import OFFERS, REWARDS
from kiosk.demo.store import Access, build_demo
from kiosk.identity.factor_service import show_factors
from kiosk.identity.people_store import end_token, read_tokens
from kiosk.life.initialise import open_offline
from kiosk.life.proof import prove
from kiosk.life.start import DATABASE_NAME
from kiosk.offers.member_offers import list_member_offers
from kiosk.points.accounts import view_account
from kiosk.program.reward_service import list_rewards
from sync.http.auth import hash_token
from tests.kiosk.shopkit import caller


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Config, Access]:
    """One demonstration for all that only look at it."""
    return build_demo(tmp_path_factory.mktemp("demo"), 8080)


def test_the_same_folder_is_built_once_and_keeps_its_tokens(built: tuple[Config, Access], tmp_path: Path) -> None:
    told: list[str] = []
    shutil.copytree(built[0].folder, tmp_path / "demo")
    _, again = build_demo(tmp_path / "demo", 8080, lambda: told.append("built again"))
    assert told == []
    assert again == built[1]
    _, other = build_demo(tmp_path / "other", 8080, lambda: told.append("built"))
    assert told == ["built"]
    assert other.till_token != again.till_token
    assert (other.products, other.repriced) == (again.products, again.repriced)


def test_who_locked_the_till_is_signed_in_again_at_the_next_start(built: tuple[Config, Access], tmp_path: Path) -> None:
    shutil.copytree(built[0].folder, tmp_path / "demo")
    config, access = build_demo(tmp_path / "demo", 8080)
    with open_offline(config) as (tx, _):
        tokens = {row.hash: row for row in read_tokens(tx, now_ms())}
        end_token(tx, hash_token(access.till_token))
    build_demo(tmp_path / "demo", 8080)
    with open_offline(config) as (tx, _):
        assert {row.hash: row for row in read_tokens(tx, now_ms())} == tokens


def test_every_member_on_the_sheet_can_spend_by_pin(built: tuple[Config, Access]) -> None:
    config, access = built
    assert len(access.members) == 3
    with open_offline(config) as (tx, shop):
        for member in access.members:
            assert member.pin.isdigit()
            assert show_factors(tx, shop, caller(), member.id).has_pin
            assert view_account(tx, member.id, now_ms()).balance.active >= max(
                reward.points for reward in REWARDS.values()
            )


def test_the_kiosk_has_something_for_every_member_on_the_sheet(built: tuple[Config, Access]) -> None:
    config, access = built
    with open_offline(config) as (tx, shop):
        kiosk = caller("kiosk", at_ms=now_ms())
        for member in access.members:
            offers = list_member_offers(tx, shop, kiosk, member.id).items
            assert {offer.offer: offer.coupon for offer in offers} == {
                name: offer.trigger == "coupon" for name, offer in OFFERS.items()
            }
            quotes = {each.definition.id: each.quote for each in list_rewards(tx, shop, kiosk, member.id, 0).items}
            for name, reward in REWARDS.items():
                quote = quotes[name]
                assert quote is not None
                assert (quote.points, quote.reason) == (reward.points, None)


def test_the_past_is_eight_weeks_of_shifts_with_sales_returns_and_drawers_a_little_off(
    built: tuple[Config, Access],
) -> None:
    config, _ = built
    with open_offline(config) as (tx, _):
        days = [row[0] for row in tx.execute("SELECT business_day FROM sale GROUP BY 1 ORDER BY 1")]
        shifts = [row[0] for row in tx.execute("SELECT business_day FROM shift ORDER BY business_day")]
        closes = tx.execute("SELECT count(*) FROM shift_close").fetchone()
        off = tx.execute("SELECT count(*) FROM shift_count WHERE kind = 'cash' AND variance_minor <> 0")
        off_days = off.fetchone()
        returns = tx.execute("SELECT count(*) FROM journal WHERE kind = 'return.taken'").fetchone()
        first = tx.execute("SELECT min(at) FROM sale").fetchone()
    assert len(days) > 40
    assert dt.date.fromisoformat(days[-1]) - dt.date.fromisoformat(days[0]) > dt.timedelta(days=48)
    assert shifts[:-1] == days
    assert closes == (len(days),)
    assert off_days is not None
    assert 0 < off_days[0] < len(days) // 2
    assert returns is not None
    assert returns[0] >= 10
    assert first is not None
    assert first[0] < now_ms() - 48 * 86_400_000


def test_in_the_second_half_members_pay_with_points_and_bring_coupons(built: tuple[Config, Access]) -> None:
    config, _ = built
    with open_offline(config) as (tx, _):
        paid = tx.execute(
            "SELECT min(business_day), count(*), sum(amount_minor) FROM sale_tender JOIN sale ON sale.id = sale"
            " WHERE kind = 'points'"
        )
        first_day, payments, paid_minor = paid.fetchone() or ()
        (used,) = tx.execute("SELECT count(*) FROM coupon_use").fetchone() or ()
        (issued,) = tx.execute("SELECT count(*) FROM coupon").fetchone() or ()
        (begun,) = tx.execute("SELECT min(business_day) FROM sale").fetchone() or ()
    assert payments >= 10
    assert paid_minor % 100 == 0
    assert issued > used >= 10
    assert dt.date.fromisoformat(first_day) - dt.date.fromisoformat(begun) > dt.timedelta(days=24)


def test_the_store_begins_before_its_past_so_that_head_office_dates_every_point_by_its_purchase(
    built: tuple[Config, Access],
) -> None:
    config, _ = built
    with open_offline(config) as (tx, _):
        moments = [msgspec.json.decode(row[0])["at"] for row in tx.execute("SELECT content FROM journal ORDER BY seq")]
    assert moments[0] == min(moments)


def test_nothing_that_is_on_the_sheet_gets_another_price(built: tuple[Config, Access]) -> None:
    _, access = built
    assert len(access.repriced) == 4
    assert not {each.sku for each in access.repriced} & {each.sku for each in access.products}


def test_verify_holds_on_it(built: tuple[Config, Access]) -> None:
    config, _ = built
    report = prove(config.data_dir() / DATABASE_NAME, full=True)
    assert report.ok, report.first_wrong
    assert report.entries > 300
