"""edge: the demonstration store is built once; the same folder goes on where it stopped."""

from pathlib import Path

from kiosk.compose import now_ms
from kiosk.demo.store import build_demo
from kiosk.identity.factor_service import show_factors
from kiosk.life.initialise import open_offline
from kiosk.offers.member_offers import list_member_offers
from kiosk.program.reward_service import list_rewards
from tests.kiosk.shopkit import caller


def test_the_same_folder_is_built_once_and_keeps_its_tokens(tmp_path: Path) -> None:
    told: list[str] = []
    _, first = build_demo(tmp_path / "demo", 8080, lambda: told.append("built"))
    _, again = build_demo(tmp_path / "demo", 8080, lambda: told.append("built again"))
    assert told == ["built"]
    assert again == first


def test_every_member_on_the_sheet_can_spend_by_pin(tmp_path: Path) -> None:
    config, access = build_demo(tmp_path / "demo", 8080)
    assert len(access.members) == 3
    with open_offline(config) as (tx, shop):
        for member in access.members:
            assert member.pin.isdigit()
            assert show_factors(tx, shop, caller(), member.id).has_pin


def test_the_kiosk_has_something_for_every_member_on_the_sheet(tmp_path: Path) -> None:
    config, access = build_demo(tmp_path / "demo", 8080)
    with open_offline(config) as (tx, shop):
        kiosk = caller("kiosk", at_ms=now_ms())
        for member in access.members:
            offers = list_member_offers(tx, shop, kiosk, member.id).items
            assert {offer.offer: offer.coupon for offer in offers} == {
                "FLOWERS50": True,
                "PASTRY20": True,
                "PRODUCE10": False,
            }
            quotes = {each.definition.id: each.quote for each in list_rewards(tx, shop, kiosk, member.id, 0).items}
            assert quotes["flowers"] is not None
            assert quotes["flowers"].points == 10
