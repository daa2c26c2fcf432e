"""pure: bytes of a request into values, and every way in which that fails into a clean 4xx.

msgspec alone would take an object that names a member twice (and keep the last), NUL in text, and integers beyond
64 bits. The first lets two readers of one document see two documents; the others cannot be stored. So a body is first
read untyped and written again: what comes out byte for byte the same has no doubled member, because reading drops one.
That costs some 6 µs for a kilobyte as JavaScript writes it (9 µs with Python's spaces); only what is not the same, or
holds a long run of digits or an escaped NUL, pays for the slow and thorough reading.

    >>> pointer_of("$.lines[0].sku")
    '/lines/0/sku'
"""

import json
import re
from collections.abc import Callable
from typing import NoReturn, TypeVar

import msgspec

from loyalty.errors import InvalidInput
from sync.http.problems import NotJson

ValueT = TypeVar("ValueT")
QueryT = TypeVar("QueryT", bound=msgspec.Struct)

INTEGER_MIN, INTEGER_MAX = -(2**63), 2**63 - 1

_decode_untyped = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_DIGITS = bytes(48 if 48 <= byte <= 57 else 32 for byte in range(256))
_LONG_RUN = b"0" * 19  # 2**63 has 19 digits
_ESCAPED_NUL = b"\\u0000"
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\[\.\.\.\]")
_ANY_MEMBER = "[...]"
_FIELD_OF_OBJECT = re.compile(r"Object (?:missing required|contains unknown) field `(.*)`", re.DOTALL)


def read_body(raw: bytes, decode: Callable[[bytes], ValueT]) -> ValueT:
    """The typed value of a JSON body; `decode` is a msgspec Decoder's. Raises NotJson (400) or InvalidInput (422)."""
    check_json(raw)
    try:
        return decode(raw)
    except msgspec.ValidationError as error:
        refuse(error)
    except RecursionError as error:
        raise NotJson("The document is nested too deeply.") from error


def check_json(raw: bytes) -> None:
    """Raises NotJson for what is no JSON or names a member twice, InvalidInput for NUL in text and huge integers."""
    try:
        value = _decode_untyped(raw)
        written = _encode(value)
    except msgspec.ValidationError as error:
        refuse(error)  # JSON, but a number that no machine type holds
    except msgspec.DecodeError as error:
        raise NotJson(f"{error}.") from error
    except UnicodeDecodeError as error:
        raise NotJson("The document is not UTF-8.") from error
    except RecursionError as error:
        raise NotJson("The document is nested too deeply.") from error
    # Taking spaces out of strings as well is harmless: if the result equals a text without doubled members, the
    # original had none either, since equal names stay equal.
    if written != raw and written != raw.replace(b'": ', b'":').replace(b", ", b","):
        _refuse_doubled_members(raw)
    if _ESCAPED_NUL in raw or _LONG_RUN in raw.translate(_DIGITS):
        _refuse_unstorable(value, "")


def read_query(pairs: list[tuple[str, str]], query: type[QueryT], known: frozenset[str]) -> QueryT:
    """The typed query. `known` are the parameters' names. Raises InvalidInput for an unknown or repeated one, too."""
    values: dict[str, str] = {}
    for name, text in pairs:
        if name not in known:
            raise InvalidInput("This query parameter is not known here.", pointer=_pointer("", name))
        if name in values:
            raise InvalidInput("This query parameter may be given once only.", pointer=_pointer("", name))
        if not is_storable(text):
            raise InvalidInput("Text may not contain NUL or broken UTF-8.", pointer=_pointer("", name))
        values[name] = text
    try:
        value = msgspec.convert(values, query, strict=False)
    except msgspec.ValidationError as error:
        refuse(error)
    _refuse_unstorable(msgspec.to_builtins(value), "")
    return value


def is_storable(text: str) -> bool:
    """Whether a text can be kept and sent: no NUL, and encodable as UTF-8 (no lone surrogate of a broken URL)."""
    if text.isascii():
        return "\0" not in text
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False


def refuse(error: msgspec.ValidationError) -> NoReturn:
    """Raises InvalidInput with the JSON Pointer of the place that msgspec names: the very field, also where it is
    missing or unknown and msgspec's place is the object around it."""
    message, separator, place = str(error).rpartition(" - at `")
    if not separator:
        message, place = str(error), "$"
    # "key` in `$.counted": the wrong thing is the name of a member, so the object is the place to look at.
    path = place.removesuffix("`").removeprefix("key` in `")
    pointer = pointer_of(path)
    field = _FIELD_OF_OBJECT.fullmatch(message)
    if field is not None and _ANY_MEMBER not in path:
        pointer = _pointer(pointer, field[1])
    raise InvalidInput(f"{message}.", pointer=pointer) from error


def pointer_of(path: str) -> str:
    """RFC 6901 from msgspec's path. `[...]` (any member of a mapping) ends it: msgspec does not say which one."""
    pointer = ""
    for step in _STEP.finditer(path):
        name, index = step.groups()
        if name is None and index is None:
            break
        pointer = _pointer(pointer, name if name is not None else index)
    return pointer


def _pointer(parent: str, name: str) -> str:
    return f"{parent}/{name[:64].replace('~', '~0').replace('/', '~1')}"


def _refuse_doubled_members(raw: bytes) -> None:
    def as_object(members: list[tuple[str, object]]) -> None:
        if len({name for name, _ in members}) != len(members):
            raise NotJson("An object names the same member twice.")

    json.loads(raw, object_pairs_hook=as_object)


def _refuse_unstorable(value: object, pointer: str) -> None:
    match value:
        case bool() | None | float():
            return
        case int():
            if not INTEGER_MIN <= value <= INTEGER_MAX:
                raise InvalidInput("Integers go up to 63 bits here.", pointer=pointer)
        case str():
            if not is_storable(value):
                raise InvalidInput("Text may not contain NUL.", pointer=pointer)
        case dict():
            for name, member in value.items():
                _refuse_unstorable(name, pointer)
                _refuse_unstorable(member, _pointer(pointer, str(name)))
        case list() | tuple():
            for index, member in enumerate(value):
                _refuse_unstorable(member, f"{pointer}/{index}")
