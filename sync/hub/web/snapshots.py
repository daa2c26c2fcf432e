"""edge: what a store fetches where it has to be told very much: a signed manifest, and the files that it names."""

import re

from sync.http.calls import Call
from sync.http.ranges import serve_file
from sync.http.table import RouteTable
from sync.hub import stores
from sync.hub.door import STORES, StoreSession
from sync.hub.snapshots import NoSnapshot, Snapshots
from sync.protocol.snapshots import SignedManifest

routes = RouteTable(tag="sync", roles=STORES)
_SHA256 = re.compile(r"[0-9a-f]{64}")


@routes.get(
    "/sync/v1/snapshots/manifest",
    "Which files make up all that this store is told",
    response=SignedManifest,
    problems=(403, 404, 409, 503),
)
async def show_manifest(snapshots: Snapshots, call: Call[StoreSession, None, None]) -> object:
    """GET /sync/v1/snapshots/manifest: made when it is asked for."""
    session = call.session
    await snapshots.door.read(lambda tx: stores.check_present(stores.need_store(tx, session.store), session.session))
    return await snapshots.find_manifest(session.store)


@routes.get(
    "/sync/v1/snapshots/{file}",
    "A file of the manifest, or the rest of one",
    response=bytes,
    produces="application/octet-stream",
    problems=(403, 404, 409, 429),
)
async def download(snapshots: Snapshots, call: Call[StoreSession, None, None]) -> object:
    """GET /sync/v1/snapshots/{file}, its SHA-256: whole, or from where it was cut off (Range). It never changes."""
    session, sha256 = call.session, call.text("file")
    await snapshots.door.read(lambda tx: stores.check_present(stores.need_store(tx, session.store), session.session))
    if _SHA256.fullmatch(sha256) is None:
        raise NoSnapshot
    path, is_shared = snapshots.find_file(session.store, sha256)
    with snapshots.downloading(session.store):
        return await serve_file(call.request, path, tag=sha256, cache="public" if is_shared else "private")
