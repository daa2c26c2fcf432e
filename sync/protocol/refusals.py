"""pure: what head office answers a store that it does not let in, or whose message it cannot take.

A refusal is for the store's agent, never for a till: a shop sells on whatever head office says. What the agent does
about each is in push_store.

    Problem
    ├── StoreRevoked      403  the key is no longer one of the chain
    ├── Fenced            409  another session is the present one; `fence` tells which
    ├── Quarantined       409  two copies of the store run, a person has to say which is the true one
    ├── Superseded        409  a person said that the other copy is the true one
    ├── StaleRequest      409  a later request of this session was heard before
    ├── WrongTimeline     409  head office was put back from a backup meanwhile
    ├── UpgradeRequired   409  there is no version of the protocol that both speak
    ├── BrokenPush        422  the message contradicts itself
    ├── BrokenBody        422  the body cannot be unpacked
    └── BrokenCursor      422  the cursor is not one of ours
"""

from loyalty.errors import Conflict, Forbidden, InvalidInput


class StoreRevoked(Forbidden):
    """Head office does not take this store for one of its own any more."""

    code, hint = "store_revoked", "Ask head office. The shop goes on selling; nothing it books is lost."


class Fenced(Conflict):
    """A later session of this store has taken over from this one."""

    code, hint = "fenced", "Open a new session that names this fence."

    def __init__(self, fence: int) -> None:
        """`fence` is the present one, for the next opening to name."""
        super().__init__(f"The present fence is {fence}.", fence=fence)
        self.fence = fence


class Quarantined(Conflict):
    """Two copies of this store are running, so head office takes from neither."""

    code, hint = "quarantined", "Head office has to say which copy is the true one. Sell on; nothing is lost."


class Superseded(Conflict):
    """Another copy of this store was named the true one."""

    code, hint = "superseded", "Stop this copy, or make it a store again: counterfoil recover"


class StaleRequest(Conflict):
    """A later message of this session has come before this one."""

    code, hint = "stale_request", "Send it again under a new number."


class WrongTimeline(Conflict):
    """Head office has been put back from a backup since this session began."""

    code, hint = "wrong_timeline", "Open a new session and go on from the heads that it names."


class UpgradeRequired(Conflict):
    """The store and head office have no version of the protocol in common."""

    code, hint = "upgrade_required", "Install the present release. The shop goes on selling meanwhile."


class BrokenPush(InvalidInput):
    """A batch of entries contradicts itself."""

    code, hint = "broken_push", "The store's agent has a fault: run counterfoil doctor and tell support."


class BrokenBody(InvalidInput):
    """A packed body cannot be unpacked."""

    code, hint = "broken_body", "Send it again; if it comes back, run counterfoil doctor and tell support."


class BrokenCursor(InvalidInput):
    """This is no cursor that head office gave out."""

    code, hint = "broken_cursor", "Begin again without a cursor."
