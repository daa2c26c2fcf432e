"""edge: what somebody in the office should look at: incidents, and entries that could not be applied."""

from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta, Struct

from sync.chain import epoch_text
from sync.db import Database
from sync.facts import kind_of
from sync.facts.members import MemberErased
from sync.http.calls import Call
from sync.http.paging import Page, PageQuery, decode_cursor, encode_cursor, page_of
from sync.http.routes import read_uuid
from sync.http.table import RouteTable
from sync.hub import incidents
from sync.hub.applier import dismiss_dead_letter, replay_dead_letter
from sync.hub.dead_letters import DeadLetterNotFound, list_dead_letters
from sync.hub.door import HEAD_OFFICE, OFFICE, Door, OfficeSession
from sync.hub.failures import DeadLetter
from sync.hub.incidents import Incident
from sync.hub.times import utc_text

routes = RouteTable(tag="incidents", roles=OFFICE)
_INCIDENTS, _LETTERS = "incidents", "dead-letters"
_EPOCH_DIGITS = 16
_ERASURE = kind_of(MemberErased)[0]
Place = tuple[UUID, int, int]


class IncidentQuery(PageQuery, frozen=True, kw_only=True):
    """Only those in one state, when it is named."""

    state: Literal["open", "resolved"] | None = None


class LetterQuery(PageQuery, frozen=True, kw_only=True):
    """Only those in one state, when it is named."""

    state: Literal["open", "parked", "replayed", "dismissed"] | None = None


class IncidentAnswer(Struct, frozen=True, kw_only=True):
    """A broken rule. `refs` name the receipts, entries or runs it is about; `amount` is by how much, in points or minor
    units."""

    id: UUID
    kind: str
    store: UUID | None
    member: UUID | None
    amount: int
    refs: tuple[Any, ...]
    opened_at: str
    state: str
    resolution: str | None
    resolved_at: str | None
    resolved_by: str | None


class ResolveIncident(Struct, frozen=True, forbid_unknown_fields=True):
    """What was found out and done, in a person's words. No name, phone or address belongs here."""

    resolution: Annotated[str, Meta(min_length=1, max_length=1000)]


class LetterAnswer(Struct, frozen=True, kw_only=True):
    """An entry of a store that could not be applied; it stays in the store's journal and here. `code` says why."""

    id: str
    store: UUID
    epoch: str
    seq: int
    op_id: UUID
    kind: str
    code: str
    error: str
    version: str
    first_at: str
    last_at: str
    tries: int
    state: str


@routes.get("/v1/incidents", "Broken rules", query=IncidentQuery, response=Page[IncidentAnswer])
async def list_incidents(door: Door, call: Call[OfficeSession, None, IncidentQuery]) -> object:
    """GET /v1/incidents."""
    query = call.query
    after = UUID(bytes=decode_cursor(query.after, _INCIDENTS, tuple[bytes])[0]) if query.after else None
    found = await door.read(lambda tx: incidents.list_incidents(tx, query.state, after, query.limit + 1))
    shown = [_show_incident(each) for each in found]
    return page_of(shown, query.limit, lambda each: encode_cursor((each.id.bytes,), _INCIDENTS))


@routes.post(
    "/v1/incidents/{id}/resolve",
    "Say what was done about it",
    body=ResolveIncident,
    response=IncidentAnswer,
    roles=HEAD_OFFICE,
    problems=(409,),
)
async def resolve_incident(door: Door, call: Call[OfficeSession, ResolveIncident, None]) -> object:
    """POST /v1/incidents/{id}/resolve: the same words again change nothing."""
    user, words = call.session.user, call.body.resolution
    resolved = await door.write(
        lambda tx: incidents.resolve_incident(tx, call.id(), user, words, door.now_ms()),
    )
    return _show_incident(resolved)


@routes.get("/v1/dead-letters", "Entries not applied", query=LetterQuery, response=Page[LetterAnswer])
async def list_letters(door: Door, call: Call[OfficeSession, None, LetterQuery]) -> object:
    """GET /v1/dead-letters."""
    query = call.query
    after: Place | None = None
    if query.after:
        store, epoch, seq = decode_cursor(query.after, _LETTERS, tuple[bytes, int, int])
        after = UUID(bytes=store), epoch, seq
    found = await door.read(lambda tx: list_dead_letters(tx, query.state, after, query.limit + 1))
    page = page_of(found, query.limit, lambda each: encode_cursor((each.store.bytes, each.epoch, each.seq), _LETTERS))
    return Page(tuple(map(_show_letter, page.items)), page.next)


@routes.post(
    "/v1/dead-letters/{id}/replay",
    "Try an entry again",
    response=LetterAnswer,
    roles=HEAD_OFFICE,
    problems=(409,),
    texts=frozenset({"id"}),
)
async def replay_letter(door: Door, call: Call[OfficeSession, None, None]) -> object:
    """POST /v1/dead-letters/{id}/replay: what it is now; it may have failed again."""
    place = _read_place(call.text("id"))
    letter = await door.write(lambda tx: replay_dead_letter(tx, *place, door.now_ms(), version=door.version))
    if letter.kind == _ERASURE and isinstance(door.database, Database):
        await door.database.erase_traces()
    return _show_letter(letter)


@routes.post(
    "/v1/dead-letters/{id}/dismiss",
    "Decide that an entry has no effect at head office",
    response=LetterAnswer,
    roles=HEAD_OFFICE,
    problems=(409,),
    texts=frozenset({"id"}),
)
async def dismiss_letter(door: Door, call: Call[OfficeSession, None, None]) -> object:
    """POST /v1/dead-letters/{id}/dismiss."""
    place = _read_place(call.text("id"))
    return _show_letter(await door.write(lambda tx: dismiss_dead_letter(tx, *place, door.now_ms())))


def _show_incident(incident: Incident) -> IncidentAnswer:
    at = incident.resolved_at
    return IncidentAnswer(
        id=incident.id,
        kind=incident.kind,
        store=incident.store,
        member=incident.member,
        amount=incident.amount,
        refs=incident.refs,
        opened_at=utc_text(incident.opened_at),
        state=incident.state,
        resolution=incident.resolution,
        resolved_at=utc_text(at) if at is not None else None,
        resolved_by=incident.resolved_by,
    )


def _show_letter(letter: DeadLetter) -> LetterAnswer:
    return LetterAnswer(
        id=f"{letter.store}.{epoch_text(letter.epoch)}.{letter.seq}",
        store=letter.store,
        epoch=epoch_text(letter.epoch),
        seq=letter.seq,
        op_id=letter.op_id,
        kind=letter.kind,
        code=letter.code,
        error=letter.error,
        version=letter.hub_version,
        first_at=utc_text(letter.first_at),
        last_at=utc_text(letter.last_at),
        tries=letter.tries,
        state=letter.state,
    )


def _read_place(text: str) -> Place:
    """Store, epoch and number from the id of a dead letter. Raises DeadLetterNotFound."""
    store, epoch, seq = (*text.split("."), "", "")[:3]
    found = read_uuid(store)
    digits = set("0123456789abcdef")
    if found is None or len(epoch) != _EPOCH_DIGITS or not set(epoch) <= digits or epoch[0] > "7":
        raise DeadLetterNotFound
    if not (seq.isascii() and seq.isdecimal() and len(seq) <= 18) or text.count(".") != 2:
        raise DeadLetterNotFound
    return found, int(epoch, 16), int(seq)
