"""edge: builds the demonstration store out of real baskets, and says how to get in.

The same folder a second time goes on where it stopped, with the same tokens; only a till without an open shift gets a
new one. Everything is made through the services that a shop uses, so that verify holds on it.
"""

import datetime as dt
import os
import secrets
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from kiosk.catalogue.catalogue_service import import_catalogue
from kiosk.catalogue.product_service import PRODUCTS_MAX, count_stock
from kiosk.commands import OpenShift
from kiosk.compose import now_ms
from kiosk.config import Config, load_config
from kiosk.demo.catalogue import build_catalogue
from kiosk.demo.files import bundled_baskets, find_products, load_products, load_store_baskets
from kiosk.demo.ids import member_id_of
from kiosk.demo.loyalty import make_offers
from kiosk.demo.past import TradingDay, choose_past, households_of
from kiosk.demo.people import CASHIER, MANAGER, MEMBER_PIN, DemoMember, name_members
from kiosk.demo.prices import choose_prices
from kiosk.demo.spending import COUPON_DEPARTMENT, Spending
from kiosk.demo.trading import FLOAT_MINOR, Trading
from kiosk.identity.factor_service import set_pin
from kiosk.identity.people import PairDevice, SaveOperator
from kiosk.identity.people_service import create_pairing_code, pair_device, save_operator, set_up_manager
from kiosk.identity.people_store import TokenRow, add_token, read_tokens
from kiosk.life.initialise import create_database, open_offline
from kiosk.life.start import DATABASE_NAME
from kiosk.members.member_profile import PROFILE_RANDOM_BYTES
from kiosk.members.member_service import ENROL_RANDOM_BYTES, enrol_member
from kiosk.members.members import EnrolMember
from kiosk.points.accounts import view_account
from kiosk.shifts.shift_service import open_shift
from kiosk.shop import Caller, Shop, day_of, find_open_shift, origin_of
from loyalty.ids import uuid7
from loyalty.transactions import Tx
from sync.facts.catalogue import ProductFact
from sync.http.auth import hash_token
from sync.pins import hash_pin

ACCESS_NAME, STORE_FILE_NAME = "access.json", "store.toml"
_HOUR_MS = 3_600_000
_STORE = "367"  # of the three in the data, the one most households come to
_SHOWN_PRODUCTS = 10
_REPRICED = 4
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
    """How to get into the demonstration store; kept in its folder, readable by its owner only. `repriced` are articles
    that head office will change the price of; none of those that are shown."""

    device_token: str
    till_token: str
    kiosk_token: str
    manager_token: str
    operator_name: str
    operator_pin: str
    products: tuple[ShownProduct, ...]
    members: tuple[ShownMember, ...]
    repriced: tuple[ProductFact, ...] = ()


def build_demo(folder: Path, port: int, on_build: Callable[[], None] = lambda: None) -> tuple[Config, Access]:
    """The configuration and the keys of the demonstration store in `folder`, which is made when there is none;
    `on_build` is called only then, before it takes its time."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / STORE_FILE_NAME
    if not file.exists():
        file.write_text(_STOREFILE.format(port=port), encoding="utf-8")
    config = load_config(file)
    if not (config.data_dir() / DATABASE_NAME).exists() or not (folder / ACCESS_NAME).exists():
        on_build()
        return config, _build(folder, config)
    access = msgspec.json.decode((folder / ACCESS_NAME).read_bytes(), type=Access)
    with open_offline(config) as (tx, shop):
        _sign_in(tx, access.till_token, access.manager_token)
        _reopen_shift(tx, shop)
    return config, access


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
    baskets = load_store_baskets(bundled_baskets(), _STORE)
    prices = choose_prices(line for basket in baskets for line in basket.lines)
    products = build_catalogue(prices, load_products(find_products(bundled_baskets())))
    days = choose_past(baskets, _yesterday(config), config.store.time_zone)
    members = {member.household: member for member in name_members(households_of(days))}
    tokens = {name: secrets.token_urlsafe(32) for name in ("device", "till", "manager", "kiosk", "office")}
    cards: dict[str, str] = {}
    begin = days[0].visits[0].at_ms - _HOUR_MS
    with create_database(config, begin) as (tx, shop):
        till = _set_up_people(tx, shop, tokens, begin)
        caller = Caller(device=till, till="T01", role="manager", operator=MANAGER.id, now_ms=begin)
        _stock_up(tx, shop, caller, products)

        def enrol(then: Caller, household: str) -> None:
            cards[household] = _enrol(tx, shop, then, members[household])

        trading = Trading(tx, shop, caller, prices, enrol)
        middle = len(days) // 2
        trading.live_through(days[:middle])
        # Half of the weeks without offers and half with them: that is what a lift is measured from.
        then = msgspec.structs.replace(caller, now_ms=days[middle].visits[0].at_ms - _HOUR_MS)
        make_offers(tx, shop, then, lambda: uuid7(then.now_ms, os.urandom(10)))
        pastry = {product.sku for product in products if product.department == COUPON_DEPARTMENT}
        trading.live_through(days[middle:], Spending(tx, shop, pastry, _find_savers(days, members)))
        _reopen_shift(tx, shop)
        shown = _show_members(tx, list(members.values()))
        _set_pins(tx, shop, msgspec.structs.replace(caller, now_ms=now_ms()), shown)
    popular = _find_popular(products, days)
    products_shown = _show_products(popular)
    names_shown = {each.sku for each in products_shown}
    access = Access(
        device_token=tokens["device"],
        till_token=tokens["till"],
        kiosk_token=tokens["kiosk"],
        manager_token=tokens["manager"],
        operator_name=MANAGER.id,
        operator_pin=MANAGER.pin,
        products=products_shown,
        repriced=tuple(each for each in popular if each.sku not in names_shown)[:_REPRICED],
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


def _yesterday(config: Config) -> dt.date:
    """By the shop's own clock."""
    return dt.datetime.now(ZoneInfo(config.store.time_zone)).date() - dt.timedelta(days=1)


def _set_up_people(tx: Tx, shop: Shop, tokens: dict[str, str], now: int) -> UUID:
    """Operators, two tills, a kiosk, and standing sign-ins whose tokens stay the same over restarts."""
    set_up_manager(tx, shop, now, MANAGER.id, MANAGER.name, hash_pin(MANAGER.pin))
    till = _pair(tx, "Till 1", "till", tokens["device"], now)
    _pair(tx, "Office", "till", tokens["office"], now)
    _pair(tx, "Kiosk", "kiosk", tokens["kiosk"], now)
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
    _sign_in(tx, tokens["till"], tokens["manager"])
    return till


def _sign_in(tx: Tx, cashier_token: str, manager_token: str) -> None:
    """Standing sign-ins on the first two tills, unless they are there: whoever locked a till has ended its."""
    known = {row.hash for row in read_tokens(tx, now_ms())}
    for token, till, operator, role in (
        (cashier_token, "T01", CASHIER.id, "cashier"),
        (manager_token, "T02", MANAGER.id, "manager"),
    ):
        device = tx.execute("SELECT id FROM device WHERE till = ? AND revoked_at IS NULL", (till,)).fetchone()
        if device is None:
            continue
        row = TokenRow(
            hash=hash_token(token),
            device=UUID(bytes=device[0]),
            till=till,
            operator=operator,
            role=role,
            expires_at=None,
        )
        if row.hash not in known:
            add_token(tx, row, now_ms())


def _pair(tx: Tx, name: str, kind: str, token: str, now: int) -> UUID:
    code = create_pairing_code(tx, kind, now, os.urandom(16))
    command = msgspec.convert({"code": code.code, "device": {"name": name, "kind": kind}}, PairDevice)
    return pair_device(tx, command, now, token, os.urandom(10)).device_id


def _stock_up(tx: Tx, shop: Shop, caller: Caller, products: Sequence[ProductFact]) -> None:
    """Import the catalogue and count what lies on the shelves; the counts are the same in every demonstration."""
    import_catalogue(tx, shop, caller, uuid7(caller.now_ms, os.urandom(10)), products)
    origin = origin_of(caller, day_of(tx, caller, shop.terms))
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


def _reopen_shift(tx: Tx, shop: Shop) -> None:
    """Open the first till's shift where none is open: the demonstration is always ready to sell."""
    if find_open_shift(tx, "T01") is not None:
        return
    row = tx.execute("SELECT id FROM device WHERE till = 'T01'").fetchone()
    assert row is not None, "the demonstration has its first till"
    caller = Caller(device=UUID(bytes=row[0]), till="T01", role="cashier", operator=CASHIER.id, now_ms=now_ms())
    open_shift(tx, shop, caller, OpenShift(id=uuid7(now_ms(), os.urandom(10)), float_minor=FLOAT_MINOR))


def _find_savers(days: Sequence[TradingDay], members: Mapping[str, DemoMember]) -> set[UUID]:
    """Of each language who buys most: the one on the sheet, who is to have points to spend."""
    spent: Counter[str] = Counter()
    for day in days:
        for visit in day.visits:
            if visit.basket.household_id is not None:
                spent[visit.basket.household_id] += visit.basket.total_minor
    most = {members[household].locale: household for household, _ in reversed(spent.most_common())}
    return {member_id_of(household) for household in most.values()}


def _find_popular(products: Sequence[ProductFact], days: Sequence[TradingDay]) -> list[ProductFact]:
    """Food with a barcode, an ordinary price and a name that people would use; what was bought most often first."""
    bought = Counter(line.product_id for day in days for visit in day.visits for line in visit.basket.lines)
    plain = [
        product
        for product in products
        if product.gtins
        and product.tax_class == "food"
        and 50 <= product.price_minor <= 1500
        and product.name.replace(", ", "").replace(" ", "").replace(".", "").isalnum()
        and not product.name.startswith("Product ")
        and not product.name.endswith(" lb")
    ]
    return sorted(plain, key=lambda product: -bought[product.sku])


def _show_products(popular: Sequence[ProductFact]) -> tuple[ShownProduct, ...]:
    """Ten articles to try, of several departments; of one thing in several sizes the size that is bought most."""
    shown: dict[str, ProductFact] = {}
    for product in popular:
        if len(shown) == _SHOWN_PRODUCTS:
            break
        thing = product.name.partition(",")[0]
        if thing not in shown and sum(each.department == product.department for each in shown.values()) < 3:
            shown[thing] = product
    return tuple(
        ShownProduct(sku=each.sku, gtin=each.gtins[0][1:], name=each.name, price_minor=each.price_minor)
        for each in shown.values()
    )


def _set_pins(tx: Tx, shop: Shop, caller: Caller, members: Sequence[DemoMember]) -> None:
    """The members on the sheet can spend their points."""
    for member in members:
        member_id = member_id_of(member.household)
        set_pin(tx, shop, caller, member_id, hash_pin(MEMBER_PIN), None, os.urandom(PROFILE_RANDOM_BYTES))


def _show_members(tx: Tx, members: Sequence[DemoMember]) -> list[DemoMember]:
    """Of each of three languages the member with most points to spend."""
    now = now_ms()
    balances = {
        member.household: view_account(tx, member_id_of(member.household), now).balance.active for member in members
    }
    best: dict[str, DemoMember] = {}
    for member in sorted(members, key=lambda each: -balances[each.household]):
        best.setdefault(member.locale, member)
    return [best[locale] for locale in ("en", "pl", "ko") if locale in best]


def _write_private(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
