"""edge: asks head office what typed codes of other stores' coupons stand for, and never waits long for it."""

import asyncio
from collections.abc import Sequence
from typing import Any

from kiosk.coupons.typed_codes import NO_TOKENS, Tokens, list_strange, read_typed
from kiosk.web.door import Door, Session
from sync.agent.client import HubRefused, HubSilent
from sync.http.calls import Call

PATIENCE_S = 2.0
_NOT_FOUND = "not_found"


async def ask_tokens(door: Door, call: Call[Session, Any, None], texts: Sequence[str]) -> Tokens:
    """The tokens of typed codes that are not in the own books. What head office did not answer is not among them.
    Nothing is read where nothing was typed."""
    if door.reserver is None or all(read_typed(text) is None for text in texts):
        return NO_TOKENS
    asked = await door.read(call, list_strange, texts)
    answers = await asyncio.gather(*(_ask(door, serial) for serial in asked.values()))
    return {text: answer or None for text, answer in zip(asked, answers, strict=True) if answer is not None}


async def _ask(door: Door, serial: int) -> str | None:
    """The token, "" where head office knows none, None where it does not answer."""
    assert door.reserver is not None
    try:
        async with asyncio.timeout(PATIENCE_S):
            return (await door.reserver.find_token(serial)).token
    except HubRefused as refused:
        return "" if refused.refusal == _NOT_FOUND else None
    except (HubSilent, TimeoutError):
        return None
