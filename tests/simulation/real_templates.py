"""What every universe on the real SQL begins with: two shops that have joined a head office, prepared once in a process
and copied for each universe.
"""

import atexit
import contextlib
import functools
import json
import shutil
import tempfile
from pathlib import Path
from random import Random
from typing import NamedTuple
from unittest.mock import patch
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kiosk.compose import make_shop
from kiosk.life.enrolment import FILE_NAME as ENROLMENT_NAME
from kiosk.life.enrolment import Enrolment
from kiosk.offers.offer_service import put_offer
from loyalty.offers.offer import Goods, PercentOff
from loyalty.offers.request import OfferRequest
from sync.agent.key import make_key
from sync.db import connect
from sync.facts.catalogue import ProductFact
from sync.hub.signing_key import load_key, public_hex
from sync.journal import read_life
from tests.kiosk.history import Story
from tests.kiosk.shopkit import NOW_MS, add_products, perform, prepare_store
from tests.simulation import real_hub
from tests.simulation.real_hub import HubStore
from tests.simulation.real_shop import config_of
from tests.simulation.real_tills import CARD_MINOR, GIFT_CARD, OFFER
from tests.simulation.virtual_time import seeded

CODES = ("S001", "S002")
PHONES = {"S001": "+48600100101", "S002": "+48600100102"}
HUB_SEED = 1


class Templates(NamedTuple):
    """The prepared folders, the member of each shop, and how shops and head office know each other."""

    shops: dict[str, Path]
    members: dict[str, UUID]
    hub: Path
    joined: dict[str, HubStore]
    keys: dict[str, Ed25519PrivateKey]


@functools.cache
def templates() -> Templates:
    """The prepared chain. Its folder goes with the process."""
    place = Path(tempfile.mkdtemp(prefix="counterfoil-shops-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    shops = {code: place / code for code in CODES}
    random = Random(0)
    with patch("time.time_ns", lambda: NOW_MS * 1_000_000), seeded(random):
        members = {code: _prepare(folder, code, number) for number, (code, folder) in enumerate(shops.items())}
        keys = {code: make_key(folder / "data") for code, folder in shops.items()}
        hub = place / "hub"
        joined = {store.code: store for store in real_hub.make_template(hub, keys, Random(HUB_SEED), NOW_MS)}
    for code, folder in shops.items():
        enrolment = Enrolment(
            url=f"http://{code.lower()}.example",
            store=joined[code].id,
            name=code,
            hub_key=public_hex(load_key(hub)),
        )
        (folder / "data" / ENROLMENT_NAME).write_text(json.dumps(msgspec.to_builtins(enrolment)), encoding="utf-8")
    return Templates(shops, members, hub, joined, keys)


def _prepare(folder: Path, code: str, number: int) -> UUID:
    """A shop with an open shift and a member, whose ids follow from `number`."""
    config = config_of(folder, code)
    with contextlib.closing(connect(prepare_store(config, NOW_MS))) as connection:
        life = read_life(connection)
        assert life is not None
        story = Story(connection, make_shop(config, *life), NOW_MS + number)
        card = ProductFact(sku=GIFT_CARD, name="Gift card", department="GIFT", tax_class="zero", price_minor=CARD_MINOR)
        perform(connection, lambda tx, *_: add_products(tx, story.shop, card), story.shop, story.manager())
        offer = OfferRequest(
            title={"en": "Chocolate"},
            effect=PercentOff(percent="20", goods=Goods(products=("101",))),
            trigger="coupon",
        )
        story.do_as(story.manager(), put_offer, story.id(), OFFER, offer, None)
        story.open_shift()
        member = story.enrol(phone=PHONES[code])
        story.adjust(member, 150)
        return member
