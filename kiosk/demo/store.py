"""edge: builds the demonstration store out of real baskets, and says how to get in.

The same folder a second time goes on where it stopped, with the same tokens; only a till without an open shift gets a
new one. Everything is made through the services that a shop uses, so that verify holds on it.
"""

import os
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from kiosk.catalogue.catalogue_service import import_catalogue
from kiosk.catalogue.product_service import PRODUCTS_MAX, count_stock
from kiosk.commands import CloseShift, OpenShift
from kiosk.compose import now_ms
from kiosk.config import Config, load_config
from kiosk.demo.baskets import Basket
from kiosk.demo.catalogue import build_catalogue
from kiosk.demo.files import bundled_baskets, find_products, load_baskets, load_products
from kiosk.demo.ids import member_id_of
from kiosk.demo.loyalty import make_offers
from kiosk.demo.people import CASHIER, MANAGER, MEMBER_PIN, DemoMember, name_members
from kiosk.demo.prices import choose_prices
from kiosk.identity.factor_service import set_pin
from kiosk.identity.people import PairDevice, SaveOperator
from kiosk.identity.people_service import create_pairing_code, pair_device, save_operator, set_up_manager
from kiosk.identity.people_store import TokenRow, add_token
from kiosk.life.initialise import create_database, open_offline
from kiosk.life.start import DATABASE_NAME
from kiosk.members.member_profile import PROFILE_RANDOM_BYTES
from kiosk.members.member_service import ENROL_RANDOM_BYTES, enrol_member
from kiosk.members.members import EnrolMember
from kiosk.replay.replay_orders import command_of
from kiosk.sales.sale_service import complete_sale
from kiosk.sales.tender import CASH
from kiosk.shifts.shift_service import close_shift, open_shift
from kiosk.shop import Caller, Shop, find_open_shift, origin_of
from loyalty.ids import uuid7
from loyalty.transactions import Tx
from sync.facts.catalogue import ProductFact
from sync.http.auth import hash_token
from sync.pins import hash_pin

ACCESS_NAME = "access.json"
_DAY_MS = 86_400_000
_HOUR_MS = 3_600_000
_PAST_BASKETS = 150
_SHOWN_PRODUCTS = 10
_FLOAT_MINOR = 20_000
_STOREFILE = """\
# The demonstration store. Every key is explained in config.toml.
[store]
name = "Counterfoil Market"
address_lines = ["12 Station Street", "00-001 Warszawa"]
tax_id = "PL 000-000-00-00"
footer_lines = ["Thank you. Keep the receipt for returns."]
data_dir = "store"

[http]
port = {port}

[log]
level = "warning"
"""


class ShownProduct(Struct, frozen=True, kw_only=True):
    """A product to try, as `demo --json` prints it."""

    sku: str
    gtin: str
    name: str
    price_minor: int


class ShownMember(Struct, frozen=True, kw_only=True):
    """A member to try; `token` is the text of the loyalty QR, `pin` proves the member where points are spent."""

    id: UUID
    token: str
    phone: str
    name: str
    pin: str = ""


class Access(Struct, frozen=True, kw_only=True):
    """How to get into the demonstration store; kept in its folder, readable by its owner only."""

    device_token: str
    till_token: str
    kiosk_token: str
    manager_token: str
    operator_name: str
    operator_pin: str
    products: tuple[ShownProduct, ...]
    members: tuple[ShownMember, ...]


def build_demo(folder: Path, port: int, on_build: Callable[[], None] = lambda: None) -> tuple[Config, Access]:
    """The configuration and the keys of the demonstration store in `folder`, which is made when there is none;
    `on_build` is called only then, before it takes its time."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "store.toml"
    if not file.exists():
        file.write_text(_STOREFILE.format(port=port), encoding="utf-8")
    config = load_config(file)
    if not (config.data_dir() / DATABASE_NAME).exists() or not (folder / ACCESS_NAME).exists():
        on_build()
        return config, _build(folder, config)
    with open_offline(config) as (tx, shop):
        _reopen_shift(tx, shop)
    return config, msgspec.json.decode((folder / ACCESS_NAME).read_bytes(), type=Access)


def describe_access(access: Access, url: str, folder: Path) -> dict[str, Any]:
    """The store's part of the object of `counterfoil demo --json`."""
    return {
        "store": {
            "url": url,
            "till_token": access.till_token,
            "kiosk_token": access.kiosk_token,
            "manager_token": access.manager_token,
            "device_token": access.device_token,
            "operator": {"name": access.operator_name, "pin": access.operator_pin},
        },
        "products": access.products,
        "members": access.members,
        "data_dir": str(folder.absolute()),
    }


def _build(folder: Path, config: Config) -> Access:
    """Build into a fresh database; a build that was interrupted is thrown away and begun again."""
    for leftover in config.data_dir().glob(DATABASE_NAME + "*"):
        leftover.unlink()
    baskets = load_baskets(bundled_baskets())
    prices = choose_prices(line for basket in baskets.baskets for line in basket.lines)
    products = build_catalogue(prices, load_products(find_products(bundled_baskets())))
    households = sorted({basket.household_id for basket in baskets.baskets if basket.household_id}, key=int)
    members = name_members(households)
    past = sorted(baskets.baskets, key=lambda basket: basket.at_ms)[-_PAST_BASKETS:]
    later = now_ms() - _DAY_MS - past[-1].at_ms
    tokens = {name: secrets.token_urlsafe(32) for name in ("device", "till", "manager", "kiosk", "office")}
    with create_database(config) as (tx, shop):
        till = _set_up_people(tx, shop, tokens)
        opening = past[0].at_ms + later - _HOUR_MS
        caller = Caller(device=till, till="T01", role="manager", operator=MANAGER.id, now_ms=opening)
        _stock_up(tx, shop, caller, products)
        cards = {member.household: _enrol(tx, shop, caller, member) for member in members}
        _sell_the_past(tx, shop, caller, past, later, prices)
        _reopen_shift(tx, shop)
        shown = _show_members(members, past)
        today = msgspec.structs.replace(caller, now_ms=now_ms())
        _set_pins(tx, shop, today, shown)
        make_offers(tx, shop, today, lambda: uuid7(today.now_ms, os.urandom(10)))
    access = Access(
        device_token=tokens["device"],
        till_token=tokens["till"],
        kiosk_token=tokens["kiosk"],
        manager_token=tokens["manager"],
        operator_name=MANAGER.id,
        operator_pin=MANAGER.pin,
        products=_show_products(products),
        members=tuple(
            ShownMember(
                id=member_id_of(member.household),
                token=cards[member.household],
                phone=member.phone,
                name=member.name,
                pin=MEMBER_PIN,
            )
            for member in shown
        ),
    )
    _write_private(folder / ACCESS_NAME, msgspec.json.format(msgspec.json.encode(access)))
    return access


def _set_up_people(tx: Tx, shop: Shop, tokens: dict[str, str]) -> UUID:
    """Operators, two tills, a kiosk, and standing sign-ins whose tokens stay the same over restarts."""
    now = now_ms()
    set_up_manager(tx, shop, now, MANAGER.id, MANAGER.name, hash_pin(MANAGER.pin))
    till = _pair(tx, "Till 1", "till", tokens["device"])
    office = _pair(tx, "Office", "till", tokens["office"])
    _pair(tx, "Kiosk", "kiosk", tokens["kiosk"])
    caller = Caller(device=till, till="T01", role="manager", operator=MANAGER.id, now_ms=now)
    save_operator(
        tx,
        shop,
        caller,
        CASHIER.id,
        SaveOperator(name=CASHIER.name, role="cashier", active=True),
        pin_hash=hash_pin(CASHIER.pin),
        if_match=None,
        random=os.urandom(10),
    )
    for token, device, operator, role in (
        (tokens["till"], (till, "T01"), CASHIER.id, "cashier"),
        (tokens["manager"], (office, "T02"), MANAGER.id, "manager"),
    ):
        row = TokenRow(
            hash=hash_token(token), device=device[0], till=device[1], operator=operator, role=role, expires_at=None
        )
        add_token(tx, row, now)
    return till


def _pair(tx: Tx, name: str, kind: str, token: str) -> UUID:
    code = create_pairing_code(tx, kind, now_ms(), os.urandom(16))
    command = msgspec.convert({"code": code.code, "device": {"name": name, "kind": kind}}, PairDevice)
    return pair_device(tx, command, now_ms(), token, os.urandom(10)).device_id


def _stock_up(tx: Tx, shop: Shop, caller: Caller, products: Sequence[ProductFact]) -> None:
    """Import the catalogue and count what lies on the shelves; the counts are the same in every demonstration."""
    import_catalogue(tx, shop, caller, uuid7(caller.now_ms, os.urandom(10)), products)
    origin = origin_of(caller, "")
    for start in range(0, len(products), PRODUCTS_MAX):
        part = products[start : start + PRODUCTS_MAX]
        counts = [(product.sku, 1000 * (5 + sum(product.sku.encode()) % 60)) for product in part]
        count_id = uuid7(caller.now_ms, os.urandom(10))
        count_stock(tx, shop.journal, origin, count_id, f"opening stock {start}", counts, "opening stock")


def _enrol(tx: Tx, shop: Shop, caller: Caller, member: DemoMember) -> str:
    command = EnrolMember(
        id=member_id_of(member.household), locale=member.locale, name=member.name, phone=member.phone, consents=()
    )
    return str(enrol_member(tx, shop, caller, command, os.urandom(ENROL_RANDOM_BYTES)).answer.token)


def _sell_the_past(
    tx: Tx, shop: Shop, caller: Caller, past: Sequence[Basket], later: int, prices: dict[str, int]
) -> None:
    """Yesterday's shift: the newest real baskets, `later` milliseconds after their time, and a closing five cents
    short."""

    def then(at_ms: int) -> Caller:
        return Caller(
            device=caller.device, till=caller.till, role=caller.role, operator=caller.operator, now_ms=at_ms + later
        )

    first, last = past[0].at_ms, past[-1].at_ms
    shift = uuid7(first + later, os.urandom(10))
    open_shift(tx, shop, then(first), OpenShift(id=shift, float_minor=_FLOAT_MINOR))
    counted = _FLOAT_MINOR - 5
    for basket in past:
        sale = complete_sale(tx, shop, then(basket.at_ms), command_of(basket, prices)).answer
        cash = sum(tender.amount_minor for tender in sale.tenders if tender.kind == CASH)
        counted += cash - sale.totals.change_minor
    close_shift(tx, shop, then(last), shift, CloseShift(counted={"cash": counted}))


def _reopen_shift(tx: Tx, shop: Shop) -> None:
    """Open the first till's shift where none is open: the demonstration is always ready to sell."""
    if find_open_shift(tx, "T01") is not None:
        return
    row = tx.execute("SELECT id FROM device WHERE till = 'T01'").fetchone()
    assert row is not None, "the demonstration has its first till"
    caller = Caller(device=UUID(bytes=row[0]), till="T01", role="cashier", operator=CASHIER.id, now_ms=now_ms())
    open_shift(tx, shop, caller, OpenShift(id=uuid7(now_ms(), os.urandom(10)), float_minor=_FLOAT_MINOR))


def _show_products(products: Sequence[ProductFact]) -> tuple[ShownProduct, ...]:
    """Ten articles with a barcode and an ordinary price, from different departments as far as there are."""
    shown: list[ProductFact] = []
    departments: dict[str, int] = {}
    for product in products:
        if len(shown) == _SHOWN_PRODUCTS:
            break
        few = departments.get(product.department, 0) < 3
        if product.gtins and few and 50 <= product.price_minor <= 1500 and not product.name.startswith("Product "):
            shown.append(product)
            departments[product.department] = departments.get(product.department, 0) + 1
    return tuple(
        ShownProduct(sku=each.sku, gtin=each.gtins[0][1:], name=each.name, price_minor=each.price_minor)
        for each in shown
    )


def _set_pins(tx: Tx, shop: Shop, caller: Caller, members: Sequence[DemoMember]) -> None:
    """The members on the sheet can spend their points."""
    for member in members:
        member_id = member_id_of(member.household)
        set_pin(tx, shop, caller, member_id, hash_pin(MEMBER_PIN), None, os.urandom(PROFILE_RANDOM_BYTES))


def _show_members(members: Sequence[DemoMember], past: Sequence[Basket]) -> list[DemoMember]:
    """A member of each of three languages who bought yesterday, so that there are points to look at."""
    by_household = {member.household: member for member in members}
    recent = dict.fromkeys(basket.household_id for basket in past if basket.household_id and basket.total_minor)
    shown: dict[str, DemoMember] = {}
    for household in recent:
        member = by_household[household]
        shown.setdefault(member.locale, member)
    return [shown[locale] for locale in ("pl", "en", "ko") if locale in shown]


def _write_private(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
