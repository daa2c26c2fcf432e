"""pure: what the store's side of the push knows, what it is told, and what it asks to be done (push_store decides).

state = begin(run, cursors, heads, seed)
Woken · SessionOpened · Pushed · Refused · Lost · SessionEnded · Healed · Tick      what happened
OpenSession · Send · SaveCursor · Sleep · Heal · Alarm                              what to do
"""

from collections.abc import Sequence
from typing import TypeAlias

from msgspec import Struct

from sync.chain import ZERO_HASH, Head
from sync.protocol.messages import PUSH_OPS_MAX, PushAnswer, SessionAnswer

FIRST_BATCH = 100
"""How many ops the first batch of a run may hold."""


class Cursor(Struct, frozen=True, kw_only=True):
    """One epoch: what head office has proved to hold, and the store's newest entry. `proved_at_ms` is when it last
    did; None: ask soon. `healing`: its two histories are being put together, so nothing of it is sent."""

    acknowledged: Head
    newest: Head
    proved_at_ms: int | None = None
    healing: bool = False

    @property
    def epoch(self) -> int:
        """Which epoch this is the cursor of."""
        return self.newest.epoch

    @property
    def waiting(self) -> int:
        """How many entries head office has not acknowledged."""
        return max(0, self.newest.seq - self.acknowledged.seq)


class InFlight(Struct, frozen=True, kw_only=True):
    """The request under way. `newest` is the head it announced, None for the opening of a session; `ops` False for a
    heartbeat."""

    request: int
    newest: Head | None
    ops: bool
    sent_at_ms: int


class StorePush(Struct, frozen=True, kw_only=True):
    """Everything the store knows of its push. Of this only the cursors outlive the service; `begin` makes the rest.

    `cursors` in the order of the lives, the open epoch last. `request` is the number last given. `timeline` 0: not
    heard yet. `batch` is how many ops may be sent next. `not_before_ms`: head office or the backoff said to wait.
    `missing` are epochs that head office holds and this store lacks, and for which it was told to fetch them.
    """

    run: str
    cursors: tuple[Cursor, ...]
    seed: int
    request: int = 0
    session: str | None = None
    fence: int = 0
    timeline: int = 0
    in_flight: InFlight | None = None
    attempt: int = 0
    batch: int = FIRST_BATCH
    credits: int = PUSH_OPS_MAX
    not_before_ms: int = 0
    sends: int = 0
    heartbeat_at_ms: int = 0
    missing: tuple[int, ...] = ()
    alarm: str | None = None

    @property
    def queued(self) -> int:
        """How many entries head office has not acknowledged, over all epochs."""
        return sum(cursor.waiting for cursor in self.cursors)

    @property
    def is_online(self) -> bool:
        """Whether head office answered the last time it was asked, and let this store in."""
        return self.session is not None and self.attempt == 0

    @property
    def is_whole(self) -> bool:
        """Whether this journal holds everything that head office holds of the store: no life of it has to be fetched,
        and each was proved in this run up to its end."""
        proved = all(c.proved_at_ms is not None and not c.waiting and not c.healing for c in self.cursors)
        return self.session is not None and not self.missing and proved


class Woken(Struct, frozen=True):
    """Something was booked, or a new life began. `heads`: newest entries by epoch, the open epoch's last; an epoch
    that is not named stands as it stood."""

    heads: tuple[Head, ...]


class SessionOpened(Struct, frozen=True):
    """Head office opened the session. `own` are the store's own entries at the places that the answer's heads name
    (`places_of`), as far as it has them."""

    request: int
    answer: SessionAnswer
    own: tuple[Head, ...]


class Pushed(Struct, frozen=True):
    """Head office answered a push. `own` as in SessionOpened, of the places that this answer names."""

    answer: PushAnswer
    own: tuple[Head, ...]


class Refused(Struct, frozen=True):
    """Head office answered request `request` with a problem. `retry_after_ms` is what its Retry-After said, `fence`
    what a `fenced` told."""

    request: int
    code: str
    retry_after_ms: int = 0
    fence: int = 0


class Lost(Struct, frozen=True):
    """No answer came to request `request`: whether it arrived is unknown."""

    request: int


class SessionEnded(Struct, frozen=True):
    """Another door (pull, commands) was told that `session` holds no longer."""

    session: str
    fence: int = 0


class Healed(Struct, frozen=True):
    """Epoch `epoch` is one history again (or was fetched), and a new life was begun where one was due. `heads` are
    those of all epochs now, the open one last; that of the healed one may have gone down."""

    epoch: int
    heads: tuple[Head, ...]


class Tick(Struct, frozen=True):
    """The time has come that the last Sleep named."""


Event: TypeAlias = Woken | SessionOpened | Pushed | Refused | Lost | SessionEnded | Healed | Tick


class OpenSession(Struct, frozen=True):
    """Sign and send a SessionOpen; `request` is its `count`."""

    request: int
    run: str
    fence: int
    heads: tuple[Head, ...]


class Send(Struct, frozen=True, kw_only=True):
    """Send up to `limit` ops of `epoch` from `from_seq` on (fewer where they are many bytes, never none where `limit`
    is 1 or more); 0 is a heartbeat. `newest` is the epoch's head to announce."""

    request: int
    session: str
    timeline: int
    epoch: int
    from_seq: int
    previous: bytes
    newest: Head
    closed: bool
    limit: int


class SaveCursor(Struct, frozen=True):
    """Keep the cursor of an epoch. Not urgent: an older one only makes the store send again."""

    head: Head


class Sleep(Struct, frozen=True):
    """Nothing to do before `until_ms` unless something happens; then Tick."""

    until_ms: int


class Heal(Struct, frozen=True):
    """Head office holds another history of epoch `common.epoch` behind `common`, or one that goes on where the store's
    ends. Where the epoch is the open one, begin a new life first. Then cut the epoch at `common`, fetch and apply what
    head office holds behind it, and log again, under the open epoch and with the same ids and bytes, what was cut and
    is not among it. Void the leases. Then Healed."""

    common: Head


class Alarm(Struct, frozen=True):
    """Something a person should see on the store's screen and in its log. Said once until it changes."""

    code: str


Effect: TypeAlias = OpenSession | Send | SaveCursor | Sleep | Heal | Alarm


def begin(run: str, cursors: Sequence[Head], heads: Sequence[Head], seed: int, timeline: int = 0) -> StorePush:
    """The state of a service that has just started. `run` is 32 random hex digits, `seed` a random number below 2^64;
    `cursors` are the acknowledged heads it kept, `heads` those of its journal, the open epoch last; `timeline` is head
    office's as it was last heard, 0 if never."""
    kept = {head.epoch: head for head in cursors}
    made = tuple(cursor_of(head, kept.get(head.epoch, empty(head.epoch))) for head in heads)
    return StorePush(run=run, cursors=made, seed=seed, timeline=timeline)


def empty(epoch: int) -> Head:
    """The place before the first entry of an epoch, which every history has."""
    return Head(epoch, 0, ZERO_HASH)


def cursor_of(newest: Head, acknowledged: Head) -> Cursor:
    """A cursor that nothing has confirmed in this run. One beyond the journal is that of a database that has gone back
    in time: nothing counts as acknowledged then, and sending again is safe."""
    sound = acknowledged.seq <= newest.seq
    return Cursor(acknowledged=acknowledged if sound else empty(newest.epoch), newest=newest)


def places_of(answer: SessionAnswer | PushAnswer) -> tuple[tuple[int, int], ...]:
    """The places (epoch, seq) at which the edge looks up the store's own hashes before it hands the answer in."""
    if isinstance(answer, SessionAnswer):
        return tuple((int(head.epoch, 16), head.seq) for head in answer.heads if head.seq)
    named = {answer.seq, *(head.seq for head in answer.known)}
    return tuple((int(answer.epoch, 16), seq) for seq in sorted(named) if seq)
