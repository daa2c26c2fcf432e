"""edge: what every handler of the store is given.

    def sale_routes(door: Door) -> list[Route]: ...

A `Door` is built once by compose. Handlers take a `Call`, make a `Caller` from its session and the clock, and run one
service function in one transaction: `await door.write(call, complete_sale, call.body)`.
"""

import base64
import time
from collections.abc import Callable, Iterable
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar
from uuid import UUID

from msgspec import Struct

from kiosk.bundles.instant import Instant
from kiosk.config import Config
from kiosk.shop import Caller, Shop
from kiosk.web.help_waiting import HelpCalls
from loyalty.coupons import find_token
from loyalty.ids import uuid7
from loyalty.leases import Uptime
from loyalty.transactions import Tx
from printers.worker import Worker
from sync.db import Database
from sync.helper import Helper
from sync.http.calls import Call
from sync.http.events import Bell
from sync.http.limits import Rate, RateLimiter
from sync.http.problems import ReadOnly
from sync.pins import Pins
from sync.protocol.commands import CouponToken, LeaseAnswer, LeaseCommand, ReservedAnswer, Reserving
from sync.protocol.lookups import MemberLookup, MembersFound
from sync.protocol.sale_states import SaleState

T = TypeVar("T")
P = ParamSpec("P")

CASHIER, MANAGER, KIOSK, DEVICE = "cashier", "manager", "kiosk", "device"
STAFF = frozenset({CASHIER, MANAGER})
MANAGERS = frozenset({MANAGER})
SHOPPERS = frozenset({CASHIER, MANAGER, KIOSK})
ANY_DEVICE = frozenset({CASHIER, MANAGER, KIOSK, DEVICE})

_TOKEN_BYTES = 32
_KIOSK_RATE = Rate(per_s=0.5, burst=20)
_TYPED_RATE = Rate(per_s=1, burst=30)
_BASKET_RATE = Rate(per_s=10, burst=200)

ServiceCall = Call[Any, Any, Any]


class Session(Struct, frozen=True, kw_only=True):
    """Who holds a token. `role` is cashier or manager once signed in, kiosk for a kiosk, device for a till without
    one."""

    role: str
    device: UUID
    till: str
    operator: str | None = None
    expires_at: int | None = None


class Lender(Protocol):
    """Whoever asks head office for points."""

    async def lend(self, command: LeaseCommand) -> LeaseAnswer:
        """Raises HubSilent, HubRefused (sync/agent/client.py)."""


class Finder(Protocol):
    """Whoever asks head office for members."""

    async def look_up(self, asked: MemberLookup) -> MembersFound:
        """Raises HubSilent, HubRefused (sync/agent/client.py)."""


class Reserver(Protocol):
    """Whoever asks head office to keep something for this store."""

    async def reserve(self, command: Reserving) -> ReservedAnswer:
        """Raises HubSilent, HubRefused (sync/agent/client.py)."""

    async def read_sale(self, text: str) -> SaleState:
        """A sale of any store. Raises HubSilent, HubRefused."""

    async def find_token(self, serial: int) -> CouponToken:
        """The token of a coupon of any store. Raises HubSilent, HubRefused."""


class Door:
    """The store as its handlers see it. `bell` rings when something was committed."""

    def __init__(
        self,
        *,
        config: Config,
        database: Database,
        shop: Shop,
        helper: Helper,
        now_ms: Callable[[], int],
        random_bytes: Callable[[int], bytes],
        uptime: Callable[[], Uptime | None],
    ) -> None:
        self.config = config
        self.database = database
        self.shop = shop
        self.helper = helper
        self.now_ms = now_ms
        self.random_bytes = random_bytes
        self.uptime = uptime
        self.pins = Pins()
        self.bell = Bell()
        self.help_calls = HelpCalls(self.bell.ring)
        self.printers: dict[str, Worker] = {}
        self._kiosk_limiter = RateLimiter(_KIOSK_RATE)
        self._typed_limiter = RateLimiter(_TYPED_RATE)
        self._basket_limiter = RateLimiter(_BASKET_RATE)
        self.read_only: str | None = None
        self.lender: Lender | None = None
        self.finder: Finder | None = None
        self.instant = Instant(database, shop, self.new_id, lambda: self.read_only is None)
        self.reserver: Reserver | None = None
        self.reserved_until: dict[UUID, float] = {}

    def new_id(self) -> UUID:
        """An id for something that this service starts itself."""
        return uuid7(self.now_ms(), self.random_bytes(10))

    def new_token(self) -> str:
        """A secret of 256 bits, as it stands in a header."""
        return base64.urlsafe_b64encode(self.random_bytes(_TOKEN_BYTES)).rstrip(b"=").decode()

    def caller(self, call: ServiceCall) -> Caller:
        """The caller of this request at this moment."""
        session: Session = call.session
        return Caller(
            device=session.device,
            till=session.till,
            role=session.role,
            operator=session.operator,
            now_ms=self.now_ms(),
            uptime=self.uptime(),
        )

    async def write(
        self,
        call: ServiceCall,
        service: Callable[Concatenate[Tx, Shop, Caller, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run a service function in a write transaction. Raises what it raises, StorageUnavailable, ReadOnly."""
        self.need_writable()
        return await self.write_local(call, service, *args, **kwargs)

    async def write_local(
        self,
        call: ServiceCall,
        service: Callable[Concatenate[Tx, Shop, Caller, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """`write` for what is no fact, such as signing in: it goes on while the store is read-only."""
        caller = self.caller(call)
        await self.instant.reach(caller.now_ms)
        return await self.database.write(lambda tx: service(tx, self.shop, caller, *args, **kwargs))

    async def read(
        self,
        call: ServiceCall,
        service: Callable[Concatenate[Tx, Shop, Caller, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run a service function on a snapshot."""
        caller = self.caller(call)
        await self.instant.reach(caller.now_ms)
        return await self.database.read(lambda tx: service(tx, self.shop, caller, *args, **kwargs))

    def profile_of(self, printer: str) -> str:
        """The profile a printer's papers are laid out for; the receipt printer's for one that is gone from the
        config."""
        profiles = {device.name: device.profile for device in self.config.printing.printers}
        return profiles.get(printer, profiles[self.config.printing.receipt_printer])

    def slow_down_kiosk(self, call: ServiceCall) -> None:
        """A shopper scans a card now and then; whoever tries phone numbers one after the other is stopped.

        Raises TooManyRequests.
        """
        session: Session = call.session
        if session.role == KIOSK:
            self._kiosk_limiter.take(str(session.device), time.monotonic())

    def follow_finding(self, finding: str | None) -> None:
        """Only answer reads while verify's finding is not mended. The screens show it: its command is ready to be
        typed."""
        self.read_only = self.config.name_in_commands(finding) if finding is not None else None

    def slow_down_typing(self, call: ServiceCall) -> None:
        """Called for each typed code of a coupon or a gift card that is asked about: it has no signature, so whoever
        could try a million would find one. Raises TooManyRequests."""
        self._typed_limiter.take(str(call.session.device), time.monotonic())

    def slow_down_baskets(self, call: ServiceCall, codes: Iterable[str]) -> None:
        """The same for baskets, which a till prices again and again with the codes that are in it: a wider limit that
        still makes trying hopeless (50 bits, ten tries a second). Raises TooManyRequests."""
        for code in codes:
            if find_token(code) is None:
                self._basket_limiter.take(str(call.session.device), time.monotonic())

    def need_writable(self) -> None:
        """Raises ReadOnly while verify's finding is not mended; the detail names the mending command."""
        if self.read_only is not None:
            raise ReadOnly(self.read_only)
