"""The files of a screen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sync.http.files import file_routes

if TYPE_CHECKING:
    from tests.sync.http.conftest import Serve


async def test_files_are_served_as_guarded_as_the_rest(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "icons").mkdir()
    (tmp_path / "till.js").write_text("let a = 1")
    (tmp_path / "icons" / "printer.svg").write_text("<svg/>")
    (tmp_path / ".secret.txt").write_text("hidden")
    served = await serve(extra=file_routes("/static", tmp_path))
    async with served.client.get("/static/till.js", headers={"Authorization": ""}) as response:
        assert (response.status, await response.text()) == (200, "let a = 1")
        assert response.headers["Content-Type"] == "text/javascript; charset=utf-8"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        tag = response.headers["ETag"]
    async with served.client.get("/static/till.js?v=2", headers={"If-None-Match": tag}) as response:
        assert response.status == 304
        assert response.headers["Cache-Control"] == "no-cache"
    async with served.client.get("/static/icons/printer.svg") as response:
        assert (response.status, response.content_type) == (200, "image/svg+xml")
    for path in ("/static/.secret.txt", "/static/nothing.js", "/static/../conftest.py", "/static/%2e%2e/conftest.py"):
        async with served.client.get(path) as response:
            assert response.status == 404
            assert json.loads(await response.read())["code"] == "not_found"
    async with served.client.get("/static/till.js", headers={"Host": "evil.example"}) as response:
        assert response.status == 421


def test_a_kind_of_file_nobody_named_is_refused(tmp_path: Path) -> None:
    (tmp_path / "backup.sqlite").write_bytes(b"x")
    with pytest.raises(ValueError, match=r"backup\.sqlite"):
        file_routes("/static", tmp_path)
