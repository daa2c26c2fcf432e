"""edge: whether head office is well, for whoever watches machines."""

from msgspec import Struct

from sync.http.calls import Call
from sync.http.routes import PUBLIC, Answer
from sync.http.table import RouteTable
from sync.hub.apply_loop import Appliers
from sync.hub.door import Door, Session
from sync.hub.state import read_timeline

routes = RouteTable(tag="health")


class Check(Struct, frozen=True):
    """One thing that must be well."""

    name: str
    ok: bool
    detail: str


class Readiness(Struct, frozen=True, kw_only=True):
    """Whether head office can take journals in, check by check."""

    ok: bool
    checks: list[Check]
    version: str


class Health:
    """What the checks look at."""

    def __init__(self, door: Door, appliers: Appliers) -> None:
        self.door = door
        self.appliers = appliers


@routes.get("/livez", "The process answers", roles=PUBLIC, response=bytes, produces="text/plain")
async def alive(_health: Health, _call: Call[Session, None, None]) -> object:
    """GET /livez."""
    return Answer(200, b"alive\n", {"Content-Type": "text/plain; charset=utf-8"})


@routes.get("/readyz", "Head office can work", roles=PUBLIC, response=Readiness, problems=(503,), lan_only=True)
async def ready(health: Health, _call: Call[Session, None, None]) -> object:
    """GET /readyz. It names no store and no member."""
    alive = health.door.database.is_alive()
    timeline = await health.door.read(read_timeline) if alive else 0
    stopped = health.appliers.stopped
    checks = [
        Check("database", alive, f"timeline {timeline}"),
        # Journals still come in while appliers stand still, so this is a warning and not a reason to send nobody here.
        Check("appliers", ok=True, detail=f"stopped for {stopped} lives" if stopped else "running"),
    ]
    well = all(check.ok for check in checks)
    return Answer(200 if well else 503, Readiness(ok=well, checks=checks, version=health.door.version))
