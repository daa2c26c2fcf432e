"""Incidents in the hands of a person: listed, resolved once, opened again only by something new."""

from uuid import UUID

import pytest

from sync.hub.appliers.receipts import find_receipts
from sync.hub.incidents import (
    Incident,
    IncidentNotFound,
    IncidentResolved,
    count_open,
    find_incident,
    incident_id,
    list_incidents,
    open_incident,
    put_incidents,
    resolve_incident,
    withdraw_incidents,
)
from tests.sync.hub.appliers.office import OTHER, STORE, Office, Shop


def incident(n: int, amount: int = 1) -> Incident:
    return Incident(id=UUID(int=n), kind="overspend", store=STORE, amount=amount, refs=({"n": n},), opened_at=5)


def test_incidents_are_listed_page_by_page(office: Office) -> None:
    office.do(lambda tx: put_incidents(tx, [incident(n) for n in range(1, 6)]))
    first = office.do(lambda tx: list_incidents(tx, "open", None, 3))
    rest = office.do(lambda tx: list_incidents(tx, None, first[-1].id, 3))
    assert [each.id.int for each in (*first, *rest)] == [1, 2, 3, 4, 5]
    assert first[0] == incident(1)
    assert office.do(count_open) == {"overspend": 5}


def test_a_person_resolves_an_incident_once(office: Office) -> None:
    office.do(lambda tx: put_incidents(tx, [incident(1)]))
    resolved = office.do(lambda tx: resolve_incident(tx, UUID(int=1), "mia", "called her", 77))
    assert (resolved.state, resolved.resolution, resolved.resolved_by, resolved.resolved_at) == (
        *("resolved", "called her"),
        *("mia", 77),
    )
    assert office.do(lambda tx: resolve_incident(tx, UUID(int=1), "ana", "called her", 99)) == resolved
    with pytest.raises(IncidentResolved):
        office.do(lambda tx: resolve_incident(tx, UUID(int=1), "ana", "did nothing", 99))
    with pytest.raises(IncidentNotFound):
        office.do(lambda tx: resolve_incident(tx, UUID(int=2), "ana", "did nothing", 99))
    assert office.do(count_open) == {}


def test_what_is_the_same_stays_resolved_and_what_is_new_opens_it_again(office: Office) -> None:
    office.do(lambda tx: put_incidents(tx, [incident(1)]))
    office.do(lambda tx: resolve_incident(tx, UUID(int=1), "mia", "called her", 77))
    office.do(lambda tx: put_incidents(tx, [incident(1)]))
    office.do(lambda tx: withdraw_incidents(tx, [UUID(int=1)]))
    assert office.do(lambda tx: find_incident(tx, UUID(int=1))).state == "resolved"
    office.do(lambda tx: put_incidents(tx, [incident(1, amount=2)]))
    again = office.do(lambda tx: find_incident(tx, UUID(int=1)))
    assert (again.state, again.resolution, again.resolved_by) == ("open", None, None)


def test_an_incident_about_a_store_is_one_however_often_it_is_seen(office: Office) -> None:
    refs = [{"run": "a"}]
    first = office.do(lambda tx: open_incident(tx, "clone", STORE, refs, 5))
    assert office.do(lambda tx: open_incident(tx, "clone", STORE, refs, 6)) == first
    assert office.do(lambda tx: open_incident(tx, "clone", OTHER, refs, 6)) != first
    assert office.do(lambda tx: find_incident(tx, first)).opened_at == 5


def test_the_id_of_an_incident_follows_from_what_it_is_about() -> None:
    assert incident_id("overspend", b"a", b"b") == incident_id("overspend", b"a", b"b")
    others = {incident_id("overspend", b"b", b"a"), incident_id("clone", b"a", b"b"), incident_id("overspend", b"ab")}
    assert incident_id("overspend", b"a", b"b") not in others
    assert len(others) == 3


def test_a_receipt_is_found_by_its_number(office: Office) -> None:
    shop = Shop()
    sale = shop.sell()
    office.take_in(STORE, shop.journal)
    office.apply_all(STORE)
    (receipt,) = office.do(lambda tx: find_receipts(tx, "S007-T01-000001"))
    assert (receipt.op, receipt.store, receipt.kind, receipt.epoch, receipt.seq) == (sale, STORE, "sale", 7, 2)
    assert office.do(lambda tx: find_receipts(tx, "S007-T01-000002")) == []
