"""pure: older versions of facts as the newest. A released shape stays readable for ever: each has its own type, and a
function that makes of it what the next version would have said.

    UPCASTERS = {("sale.completed", 1): sale_as_version_2}

    upcast("sale.completed", 1, body)      # runs version 1 -> 2 -> … as far as there are functions

Bytes in the journal are never rewritten: the chain covers them. An upcaster only ever sees them on their way in.
"""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

Upcaster = Callable[[Any], Struct]

UPCASTERS: Mapping[tuple[str, int], Upcaster] = {}
"""From (kind, version) to what makes the next version of it. Empty as long as every kind has only its first."""


def upcast(kind: str, version: int, body: Struct, upcasters: Mapping[tuple[str, int], Upcaster] = UPCASTERS) -> Struct:
    """The body in the newest version of its kind."""
    while (to_next := upcasters.get((kind, version))) is not None:
        body, version = to_next(body), version + 1
    return body
