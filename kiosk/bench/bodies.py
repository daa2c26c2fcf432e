"""pure: a command as a till writes it in JSON: what it does not say is left out, not sent as null.

>>> from uuid import UUID
>>> from kiosk.commands import CompleteSale, LineRequest
>>> encode_body(CompleteSale(id=UUID(int=7), lines=(LineRequest(sku="milk"),)))
b'{"id":"00000000-0000-0000-0000-000000000007","lines":[{"sku":"milk"}]}'
"""

from typing import Any

import msgspec
from msgspec import NODEFAULT, Struct


def encode_body(command: Struct) -> bytes:
    """`command` without the fields that have their default. It decodes to the same command."""
    return msgspec.json.encode(_compact(command))


def _compact(value: Any) -> Any:  # noqa: ANN401  a field is whatever its command says
    if isinstance(value, Struct):
        return {
            field.encode_name: _compact(getattr(value, field.name))
            for field in msgspec.structs.fields(type(value))
            if field.default is NODEFAULT or getattr(value, field.name) != field.default
        }
    if isinstance(value, tuple):
        return [_compact(item) for item in value]
    return value
