"""edge: a card or phone that nobody here has is asked of head office, while the line is up, and never for long.

What head office knows comes with the feed, so there is one way in which a store learns of a member. The till waits for
it a moment; without a line, or without an answer, the card is unknown, as it is.
"""

import asyncio
import logging

from kiosk.members.known_members import find_by_identifier
from kiosk.points.link import read_line
from kiosk.web.door import Door
from loyalty.identity import WrongPhone, normalise_phone
from loyalty.one_time_codes import read_identifying
from loyalty.transactions import Tx
from sync.agent.client import HubRefused, HubSilent
from sync.protocol.lookups import MemberLookup

logger = logging.getLogger(__name__)
PATIENCE_S = 2.0
_LOOK_S = 0.03


async def look_up(door: Door, *, code: str | None = None, phone: str | None = None) -> bool:
    """Ask head office whose `code` (any text that a member shows) or phone this is; whether she is known here now."""
    asked = _lookup_of(door, code, phone)
    if door.finder is None or asked is None or not await door.database.read(_is_online):
        return False
    try:
        async with asyncio.timeout(PATIENCE_S):
            if not (await door.finder.look_up(asked)).members:
                return False
            while not await door.database.read(  # noqa: ASYNC110  another task writes what comes with the feed
                lambda tx: find_by_identifier(tx, asked.kind, asked.value)
            ):
                await asyncio.sleep(_LOOK_S)
    except HubRefused as refused:
        logger.warning("head office tells of no member", extra={"fields": {"code": refused.refusal}})
        return False
    except (HubSilent, TimeoutError):
        return False
    return True


def _lookup_of(door: Door, code: str | None, phone: str | None) -> MemberLookup | None:
    if code is not None:
        card = read_identifying(code)
        return MemberLookup(kind="card", value=card) if card is not None else None
    try:
        return MemberLookup(kind="phone", value=normalise_phone(phone or "", door.shop.terms.phone_prefix))
    except WrongPhone:
        return None


def _is_online(tx: Tx) -> bool:
    line = read_line(tx)
    return line is not None and line.online
