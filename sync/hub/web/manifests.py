"""edge: a store proves its day (sync/manifest.py)."""

from loyalty.transactions import Tx
from sync.http.calls import Call
from sync.http.table import RouteTable
from sync.hub import stores
from sync.hub.door import STORES, Door, StoreSession
from sync.hub.reports.day_proof import answer_manifest, note_day
from sync.hub.web.sync import enter_telemetry
from sync.manifest import ManifestAnswer, ManifestMessage

routes = RouteTable(tag="sync", roles=STORES)


@routes.post(
    "/sync/v1/manifests",
    "Prove a business day",
    body=ManifestMessage,
    response=ManifestAnswer,
    problems=(403, 409, 429),
    max_body_bytes=512 * 1024,
    admission=enter_telemetry,
)
async def prove_day(door: Door, call: Call[StoreSession, ManifestMessage, None]) -> object:
    """POST /sync/v1/manifests: reads only the rows of the store whose session it is, and writes down what came out."""
    store, message = call.session.store, call.body

    def read(tx: Tx) -> ManifestAnswer:
        stores.check_present(stores.need_store(tx, store), call.session.session)
        return answer_manifest(tx, store.bytes, message)

    answer = await door.read(read)
    if answer.outcome in ("match", "differs"):
        now_ms = door.now_ms()
        await door.write(lambda tx: note_day(tx, store, message.manifest, answer, now_ms))
    return answer
