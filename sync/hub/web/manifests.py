"""edge: a store proves its day (sync/manifest.py)."""

from sync.http.calls import Call
from sync.http.table import RouteTable
from sync.hub.door import STORES, Door, StoreSession
from sync.hub.reports.day_proof import answer_manifest
from sync.manifest import ManifestAnswer, ManifestMessage

routes = RouteTable(tag="sync", roles=STORES)


@routes.post(
    "/sync/v1/manifests",
    "Prove a business day",
    body=ManifestMessage,
    response=ManifestAnswer,
    max_body_bytes=512 * 1024,
)
async def prove_day(door: Door, call: Call[StoreSession, ManifestMessage, None]) -> object:
    """POST /sync/v1/manifests: reads only the rows of the store whose session it is."""
    store, message = call.session.store.bytes, call.body
    return await door.read(lambda tx: answer_manifest(tx, store, message))
