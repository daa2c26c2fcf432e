"""edge: tills as a client sees them: paired, signed in, with an open shift, over nothing but the HTTP contract.

    first = await pair_till(url, "Till 1", code, operator)
    tills = [first, *[await add_till(url, first, f"Till {n}", operator) for n in (2, 3, 4)]]
    await open_shift(connection, first, shift_id)

Whoever is refused gets the problem the service named, with its hint.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from kiosk.bench.client import Connection, connect, encode_request
from loyalty.errors import Problem
from sync.facts.catalogue import ProductFact

_PRODUCTS_AT_ONCE = 20_000
_IMPORT_TIMEOUT_S = 300.0
_COLUMNS = ("sku", "name", "department", "tax_class", "price_minor", "unit", "gtins")


class Refused(Problem):
    """The service refused a request that had to succeed."""

    code, hint, status = "client.refused", "Do what the service's own hint says.", 500


class Operator(Struct, frozen=True):
    """Who signs in on the tills."""

    id: str
    pin: str


class Till(Struct, frozen=True):
    """A paired till with somebody signed in. `name` is the middle part of its receipt numbers."""

    name: str
    device_token: str
    token: str


async def ask_json(
    connection: Connection, method: str, path: str, token: str | None = None, body: object = None
) -> tuple[int, Any]:
    """Send `body` as JSON; the status and the decoded answer, whatever the status. Raises ClientProblem."""
    content = msgspec.json.encode(body) if body is not None else b""
    answer = await connection.ask(encode_request(method, path, connection.host, token, content))
    return answer.status, msgspec.json.decode(answer.body) if answer.body else None


async def need_json(
    connection: Connection, method: str, path: str, token: str | None = None, body: object = None
) -> Any:  # noqa: ANN401  JSON is whatever it is
    """`ask_json` for what has to succeed. Raises Refused with the problem's own words, and ClientProblem."""
    status, answer = await ask_json(connection, method, path, token, body)
    if status >= 300:
        raise refusal(f"{method} {path}", status, answer)
    return answer


def refusal(what: str, status: int, problem: Any) -> Refused:  # noqa: ANN401  JSON is whatever it is
    """A problem answer as an error that says all that the service said."""
    told = problem if isinstance(problem, dict) else {}
    words = [str(told[key]) for key in ("code", "title", "detail", "hint") if told.get(key)]
    return Refused(f"{what}: {status} {' - '.join(words) or problem}")


async def pair_till(url: str, name: str, code: str, operator: Operator) -> Till:
    """Pair a new till with a pairing code and sign in on it. Raises Refused, ClientProblem."""
    connection = await connect(url)
    try:
        device = {"name": name, "kind": "till"}
        paired = await need_json(connection, "POST", "/v1/pairings", None, {"code": code, "device": device})
        return await sign_in(connection, paired["till"], paired["token"], operator)
    finally:
        connection.close()


async def sign_in(connection: Connection, name: str, device_token: str, operator: Operator) -> Till:
    """Sign in on a till that is paired. Raises Refused, ClientProblem."""
    signed_in = await need_json(
        connection, "POST", "/v1/sign-ins", device_token, {"operator": operator.id, "pin": operator.pin}
    )
    return Till(name, device_token, signed_in["token"])


async def add_till(url: str, manager: Till, name: str, operator: Operator) -> Till:
    """Pair one more till with a code that a signed-in manager makes. Raises Refused, ClientProblem."""
    connection = await connect(url)
    try:
        made = await need_json(connection, "POST", "/v1/pairing-codes", manager.token, {"kind": "till"})
    finally:
        connection.close()
    return await pair_till(url, name, made["code"], operator)


async def find_shift(connection: Connection, till: Till) -> UUID | None:
    """The till's open shift, or None. Raises Refused, ClientProblem."""
    status, answer = await ask_json(connection, "GET", "/v1/shifts/current", till.token)
    if status == 409 and answer.get("code") == "no_open_shift":
        return None
    if status >= 300:
        raise refusal("GET /v1/shifts/current", status, answer)
    return UUID(answer["id"])


async def open_shift(connection: Connection, till: Till, shift: UUID, float_minor: int = 10_000) -> UUID:
    """The till's open shift; `shift` is opened where there is none. Raises Refused, ClientProblem."""
    found = await find_shift(connection, till)
    if found is not None:
        return found
    await need_json(connection, "POST", "/v1/shifts", till.token, {"id": shift, "float_minor": float_minor})
    return shift


async def import_products(connection: Connection, till: Till, products: Sequence[ProductFact]) -> int:
    """Import the catalogue; how many products were taken. Raises Refused should a single one not be."""
    taken = 0
    for part in split(products, _PRODUCTS_AT_ONCE):
        request = encode_request(
            "POST", "/v1/product-imports", connection.host, till.token, catalogue_csv(part), content_type="text/csv"
        )
        answer = await connection.ask(request, _IMPORT_TIMEOUT_S)
        told = msgspec.json.decode(answer.body)
        if answer.status != 200 or told["problem_count"]:
            raise refusal("POST /v1/product-imports", answer.status, told)
        taken += told["products"]
    return taken


def catalogue_csv(products: Iterable[ProductFact]) -> bytes:
    """Products as the CSV that POST /v1/product-imports takes."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for product in products:
        cells = (product.sku, product.name, product.department, product.tax_class, product.price_minor, product.unit)
        writer.writerow((*cells, "|".join(product.gtins)))
    return text.getvalue().encode()


def split(products: Sequence[ProductFact], size: int) -> Iterator[Sequence[ProductFact]]:
    """`products` in parts of at most `size`."""
    for start in range(0, len(products), size):
        yield products[start : start + size]
