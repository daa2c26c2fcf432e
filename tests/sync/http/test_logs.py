"""What is logged, and above all what is not."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sync.http.files import file_routes
from sync.http.logs import REQUEST_ID, read_trace_id, set_up_logging

if TYPE_CHECKING:
    from tests.sync.http.conftest import Serve, Served

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
PHONE = "48600100200"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    set_up_logging(logging.StreamHandler(stream))
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(log: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


async def test_a_request_is_one_line_with_its_template(served: Served, log: io.StringIO) -> None:
    async with served.client.get(f"/v1/products/{PHONE}", headers={"traceparent": TRACE}) as response:
        request_id = response.headers["X-Request-Id"]
    (line,) = [line for line in lines(log) if line["logger"] == "counterfoil.access"]
    assert line.pop("at").endswith("Z")
    assert 0 <= line.pop("ms") < 5000
    assert line == {
        "level": "info",
        "logger": "counterfoil.access",
        "message": "request",
        "request": request_id,
        "method": "GET",
        "route": "/v1/products/{sku}",
        "status": 404,
        "trace": "4bf92f3577b34da6a3ce929d0e0e4736",
    }


async def test_files_of_a_screen_are_no_lines_unless_they_are_refused(
    serve: Serve, log: io.StringIO, tmp_path: Path
) -> None:
    (tmp_path / "till.js").write_text("let a = 1")
    served = await serve(extra=file_routes("/static", tmp_path))
    for path, headers, status in (
        ("/static/till.js", {}, 200),
        ("/static/till.js", {"Host": "evil.example"}, 421),
        ("/static/nothing.js", {}, 404),
    ):
        async with served.client.get(path, headers=headers) as response:
            assert response.status == status
    assert [(line["route"], line["status"]) for line in lines(log)] == [("/static/till.js", 421), ("unmatched", 404)]


async def test_no_log_line_holds_what_a_caller_sent(served: Served, log: io.StringIO) -> None:
    for path in (
        f"/v1/products/{PHONE}",
        f"/v1/{PHONE}",
        f"/v1/sales?query={PHONE}",
        f"/v1/sales?{PHONE}=1",
        "/v1/failures",
    ):
        await served.client.get(path)
    await served.client.post("/v1/sales", data=PHONE, headers={"Content-Type": "application/json"})
    await served.client.post("/v1/sales", json={PHONE: 1})
    await served.client.request("PATCH", f"/v1/{PHONE}")
    assert len(lines(log)) >= 8
    assert PHONE not in log.getvalue()
    assert "till-token" not in log.getvalue()


async def test_an_unexpected_error_is_logged_by_type_and_place(served: Served, log: io.StringIO) -> None:
    async with served.client.get("/v1/failures") as response:
        request_id = response.headers["X-Request-Id"]
    (line,) = [line for line in lines(log) if line["logger"] == "counterfoil.errors"]
    assert (line["error"], line["route"], line["request"]) == ("RuntimeError", "/v1/failures", request_id)
    assert line["frames"][-1].startswith("fail (conftest.py:")


async def test_a_problem_is_no_unexpected_error(served: Served, log: io.StringIO) -> None:
    await served.client.get("/v1/outages")
    assert [line["logger"] for line in lines(log)] == ["counterfoil.access"]


def test_other_loggers_speak_the_same_form_and_keep_values_of_exceptions_out(log: io.StringIO) -> None:
    token = REQUEST_ID.set("a1-1")
    try:
        int(f"+{PHONE}?")
    except ValueError:
        logging.getLogger("x").exception("failed", extra={"fields": {"queued": 3}})
    finally:
        REQUEST_ID.reset(token)
    (line,) = lines(log)
    assert (line["level"], line["message"], line["queued"], line["request"]) == ("error", "failed", 3, "a1-1")
    assert (line["error"], PHONE in log.getvalue()) == ("ValueError", False)


@pytest.mark.parametrize(
    ("traceparent", "trace_id"),
    [
        (TRACE, "4bf92f3577b34da6a3ce929d0e0e4736"),
        (None, ""),
        ("", ""),
        (TRACE + "-more", ""),
        (TRACE.upper(), ""),
        (TRACE.replace("00-", "01-", 1), ""),
        ("00-" + "0" * 32 + "-00f067aa0ba902b7-01", ""),
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-" + "0" * 16 + "-01", ""),
        (TRACE + "\n", ""),
    ],
)
def test_only_a_valid_traceparent_has_a_trace_id(traceparent: str | None, trace_id: str) -> None:
    assert read_trace_id(traceparent) == trace_id
