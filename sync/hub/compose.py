"""edge: builds every real thing of a head office, once. The only module of it that does.

settings ─► database ─► door ─► routes ─► application
                 └────► appliers · feed watch · upkeep
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote
from uuid import UUID

from aiohttp import web

from sync.engines import Storage, make_tables, open_database
from sync.http.application import build_app
from sync.http.limits import Limits, Rate
from sync.http.metrics import Metrics
from sync.http.openapi import About
from sync.http.peers import read_networks
from sync.hub.apply_loop import Appliers
from sync.hub.door import Door
from sync.hub.feed_watch import FeedWatch
from sync.hub.marker import check_mark, look, note_progress
from sync.hub.problems import HubNotReady
from sync.hub.reach import Shares
from sync.hub.schema_all import ALL_TABLES
from sync.hub.settings import Settings
from sync.hub.signing_key import load_key, public_hex
from sync.hub.snapshots import Snapshots
from sync.hub.upkeep import Upkeep
from sync.hub.web import (
    bundles,
    commands,
    health,
    incidents,
    lending,
    lookups,
    manifests,
    members,
    people,
    reports,
    snapshots,
    stores,
    sync,
)
from sync.hub.web.office import office_routes

SQLITE = "sqlite:"


def address_of(settings: Settings, folder: Path) -> str:
    """The address of the database; an SQLite file named without a folder from the root lies in head office's own."""
    name = settings.database
    if name.startswith(SQLITE) and not name.startswith(SQLITE + "/"):
        return SQLITE + "//" + quote(str((folder / name.removeprefix(SQLITE)).absolute()))
    return name


def read_clock() -> int:
    """Head office's clock: milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


class Hub:
    """A running head office without its sockets: `open`, serve `application`, `close`. `folder` is its data folder."""

    def __init__(
        self,
        settings: Settings,
        folder: Path,
        version: str,
        *,
        on_death: Callable[[BaseException], None],
        now_ms: Callable[[], int] = read_clock,
    ) -> None:
        self.settings = settings
        self.folder = folder
        self.version = version
        self.database: Storage = open_database(
            address_of(settings, folder), on_commit=self._committed, on_death=on_death
        )
        self.watch = FeedWatch(self.database)
        key = load_key(folder)
        shares = Shares(settings.store_reach, settings.store_taken_points)
        self.appliers = Appliers(self.database, version, now_ms, shares, self.watch.note_applied)
        self.door = Door(
            settings=settings,
            database=self.database,
            version=version,
            now_ms=now_ms,
            random_bytes=os.urandom,
            watch=self.watch,
            came_in=self.appliers.wake,
            joined=self._joined,
            hub_key=public_hex(key),
        )
        self.snapshots = Snapshots(self.door, folder, address_of(settings, folder), key)
        self.upkeep = Upkeep(self.door, folder)

    async def open(self) -> None:
        """Open the database, make sure that it is the one that ran here last, begin to apply.

        Raises HubNotReady, HubWasRestored, DatabaseInUse, StorageUnavailable.
        """
        await self.database.open()
        await make_tables(self.database, ALL_TABLES)
        found = await self.database.read(look)
        if found.timeline == 0:
            raise HubNotReady(str(self.folder))
        check_mark(self.folder, found)
        note_progress(self.folder, found)
        self.watch.start()
        self.upkeep.start()
        self.snapshots.start()
        if self.settings.apply_entries:
            self.appliers.start()

    async def close(self) -> None:
        """Stop the tasks, drain the database, close it."""
        await self.appliers.stop()
        await self.snapshots.stop()
        await self.upkeep.stop()
        await self.watch.stop()
        await self.database.close()

    def application(self) -> web.Application:
        """The HTTP application over this head office."""
        settings, door = self.settings, self.door
        metrics = Metrics(self.upkeep.collectors(self.appliers))
        routes = [
            *health.routes.bind(health.Health(door, self.appliers)),
            *sync.routes.bind(door),
            *snapshots.routes.bind(self.snapshots),
            *commands.routes.bind(door),
            *lending.routes.bind(door),
            *lookups.routes.bind(door),
            *people.routes.bind(door),
            *stores.routes.bind(door),
            *bundles.routes.bind(door),
            *incidents.routes.bind(door),
            *members.routes.bind(door),
            *manifests.routes.bind(door),
            *reports.routes.bind(door),
            *office_routes(),
            metrics.route(),
        ]
        rate, sensitive = settings.address_requests_per_second, settings.address_sign_ins_per_minute
        limits = Limits(
            general=Rate(per_s=rate, burst=2 * rate),
            sensitive=Rate(per_s=sensitive / 60, burst=sensitive),
            networks=read_networks(settings.open_to_networks),
            host_names=frozenset(settings.own_names),
        )
        about = About("Counterfoil head office", self.version)
        return build_app(routes, about=about, resolve=door.resolve, limits=limits, metrics=metrics)

    def _joined(self, store: UUID) -> None:
        self.snapshots.joined(store)

    def _committed(self) -> None:
        self.watch.committed()
