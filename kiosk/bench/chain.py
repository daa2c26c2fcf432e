"""edge: a head office that has very much to tell one store, written straight into its books: a million members do not
come in over HTTP for a bench.

fill_feed(hub_database, store, members=1_000_000, products=100_000)
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from uuid import UUID

import msgspec

from kiosk.bench.goods import card_of, make_products, member_of, phone_of
from kiosk.compose import now_ms
from loyalty.points.told import AccountValue, LotRow
from loyalty.transactions import Tx
from sync.bundle_values import EVERYBODY, HEAD, PART_PREFIX, head_of, part_key
from sync.db import connect
from sync.facts.bundles import BundleChange
from sync.feed_values import ConsentValue, MemberValue
from sync.hub.feed_store import fill_bucket, store_bucket
from sync.protocol.feed import checksum_of, checksum_text

_DAY_MS = 86_400_000
_AT_ONCE = 5_000
_JOINED_MS = 1_700_000_000_000
_encode = msgspec.json.Encoder().encode

Thing = tuple[str, str, str]
"""Entity, key, value."""


def fill_feed(database: Path, store: UUID, *, members: int, products: int) -> int:
    """Put a catalogue into the bucket for everybody, and members with an account each into the store's own; how many
    things that are. Nobody else has the database open. The catalogue begins a day from now."""
    count = 0
    connection = connect(database)
    try:
        for bucket, things in (
            (EVERYBODY, _catalogue(products)),
            (store_bucket(str(store)), _members(members)),
        ):
            connection.execute("BEGIN IMMEDIATE")
            count += _fill(connection, bucket, things)
            connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        connection.close()
    return count


def _fill(tx: Tx, bucket: str, things: Iterator[Thing]) -> int:
    count = 0
    while part := list(islice(things, _AT_ONCE)):
        fill_bucket(tx, bucket, part, now_ms())
        count += len(part)
    return count


def _catalogue(count: int) -> Iterator[Thing]:
    entity, parts = f"{PART_PREFIX}1", []
    for product in make_products(count):
        definition = {
            "name": product.name,
            "department": product.department,
            "tax_class": product.tax_class,
            "price_minor": product.price_minor,
            "gtins": product.gtins,
        }
        change = BundleChange(sort="product", name=product.sku, definition=msgspec.Raw(_encode(definition)))
        parts.append((entity, part_key("product", product.sku), _encode(change).decode()))
    yield from parts
    head = head_of(1, now_ms() + _DAY_MS, len(parts), checksum_text(checksum_of(parts)))
    yield HEAD, "1", _encode(head).decode()


def _members(count: int) -> Iterator[Thing]:
    for n in range(count):
        member, card, phone = member_of(n), card_of(n), phone_of(n)
        consent = ConsentValue(channel="sms", purpose="offers", granted=n % 3 > 0, op=member, at=_JOINED_MS)
        profile = MemberValue(
            status="active",
            locale="en",
            revision=1,
            enrolled_at=_JOINED_MS,
            name=f"Member {n}",
            phone=phone,
            card=card,
            identifiers=(("card", card, "active"), ("phone", phone, "active")),
            consents=(consent,),
        )
        yield "member", str(member), _encode(profile).decode()
        points = 1 + n % 500
        lot: LotRow = (
            *(member.bytes, 0, member.bytes, 0, "earn", points, _JOINED_MS, None),
            *(points, 0, 0, 0, 0, 0, 0, 0, 0, "[]", "[]", "[]"),
        )
        account = AccountValue(
            account_of=member,
            account=(points, 0, 0, 0, _JOINED_MS, None, 0, "[]"),
            lots=(lot,),
            holds=(),
            due=None,
            through={},
        )
        yield "account", str(member), _encode(account).decode()
