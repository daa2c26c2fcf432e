"""The font that a page brings along for letters its machine may lack."""

from __future__ import annotations

import re
from importlib import resources
from typing import TYPE_CHECKING

import pytest

from sync.http import fonts

if TYPE_CHECKING:
    from tests.sync.http.conftest import Serve


async def test_the_style_sheet_names_a_font_that_is_served_and_kept(serve: Serve) -> None:
    served = await serve(extra=fonts.font_routes())
    async with served.client.get("/fonts/cjk.css", headers={"Authorization": ""}) as response:
        assert (response.status, response.content_type) == (200, "text/css")
        address = re.search(r'url\("(.+?)"\)', await response.text())
    assert address
    async with served.client.get(address[1], headers={"Authorization": ""}) as response:
        assert (response.status, response.content_type) == (200, "font/collection")
        assert "immutable" in response.headers["Cache-Control"]
        assert (await response.read())[:4] == b"ttcf"


async def test_without_the_package_the_style_sheet_is_empty(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    def miss(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(resources, "files", miss)
    served = await serve(extra=fonts.font_routes())
    async with served.client.get("/fonts/cjk.css") as response:
        assert (response.status, await response.text()) == (200, "")
