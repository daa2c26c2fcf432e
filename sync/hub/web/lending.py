"""edge: what stores have on lease, for a head office that was put back from a backup (sync/hub/lending_reports.py)."""

from loyalty.transactions import Tx
from sync.http.calls import Call
from sync.http.routes import Answer
from sync.http.table import RouteTable
from sync.hub import stores
from sync.hub.door import STORES, Door, StoreSession
from sync.hub.lending_reports import keep_report
from sync.hub.web.sync import enter_reading
from sync.protocol.lease_report import LeaseReport

routes = RouteTable(tag="sync", roles=STORES)


@routes.post(
    "/sync/v1/lease-reports",
    "Say what this store has on lease",
    body=LeaseReport,
    statuses=(204,),
    problems=(403, 409, 429),
    admission=enter_reading,
)
async def report_leases(door: Door, call: Call[StoreSession, LeaseReport, None]) -> object:
    """POST /sync/v1/lease-reports: the same again changes nothing."""
    session, points_max = call.session, door.settings.store_lease_points

    def keep(tx: Tx) -> None:
        stores.lock_present(tx, session.store, session.session, door.now_ms())
        keep_report(tx, session.store, call.body, points_max, door.now_ms())

    await door.write(keep)
    return Answer(204)
