"""pure: the calls for help that wait, one for each kiosk at most.

calls = HelpCalls(on_change=door.bell.ring)
calls.begin(device, "K01", now_ms, new_id)
calls.waiting(now_ms)                       # until it is answered, taken back, or ten minutes old
"""

from collections.abc import Callable
from uuid import UUID

from msgspec import Struct

FORGOTTEN_AFTER_MS = 10 * 60_000


class HelpCall(Struct, frozen=True):
    """Somebody at the kiosk of a device, since a moment in milliseconds since 1970 UTC."""

    id: UUID
    device: UUID
    kiosk: str
    at_ms: int


class HelpCalls:
    """What waits now. `changes` counts up with everything that a screen should hear of; `on_change` is called then."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        self.changes = 0
        self._on_change = on_change
        self._calls: dict[UUID, HelpCall] = {}

    def begin(self, device: UUID, kiosk: str, now_ms: int, new_id: Callable[[], UUID]) -> HelpCall:
        """The call of this kiosk that waits, or a new one."""
        self._forget(now_ms)
        waiting = self._calls.get(device)
        if waiting is None:
            waiting = self._calls[device] = HelpCall(new_id(), device, kiosk, now_ms)
            self._changed()
        return waiting

    def take_back(self, device: UUID) -> None:
        """Nobody waits at this kiosk any more."""
        if self._calls.pop(device, None) is not None:
            self._changed()

    def answer(self, call: UUID) -> None:
        """Somebody goes there. Nothing happens where it was answered before."""
        for device, waiting in list(self._calls.items()):
            if waiting.id == call:
                self.take_back(device)

    def waiting(self, now_ms: int) -> list[HelpCall]:
        """The oldest first."""
        self._forget(now_ms)
        return sorted(self._calls.values(), key=lambda call: (call.at_ms, call.id))

    def _forget(self, now_ms: int) -> None:
        """Whoever called so long ago has gone or was helped; screens look again by themselves in that time."""
        for device, call in list(self._calls.items()):
            if now_ms - call.at_ms >= FORGOTTEN_AFTER_MS:
                del self._calls[device]

    def _changed(self) -> None:
        self.changes += 1
        self._on_change()
