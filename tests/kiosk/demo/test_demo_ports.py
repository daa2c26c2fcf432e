"""edge: a port that is taken is said before anything is built, and another one may be named at any start."""

import socket
from pathlib import Path

import pytest

from kiosk.demo.ports import FIRST, PortTaken, find_free_port, is_free, settle_port
from tests.ports import reserve_port

_STORE = '[store]\nname = "port = 1"\n\n[http]\nport = {port}\n'


def test_a_port_that_somebody_listens_on_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    file = tmp_path / "store.toml"
    file.write_text(_STORE.format(port=reserve_port()))
    before = file.read_text()
    with socket.create_server(("127.0.0.1", reserve_port())) as taken:
        port = taken.getsockname()[1]
        assert not is_free(port)
        assert find_free_port(port) > port
        with pytest.raises(PortTaken) as caught:
            settle_port(file, port)
    assert str(port) in caught.value.detail
    assert "--port-base" in caught.value.hint
    assert file.read_text() == before


def test_a_store_keeps_its_port_until_another_one_is_asked_for(tmp_path: Path) -> None:
    file, had, other = tmp_path / "store.toml", reserve_port(), reserve_port()
    assert settle_port(file, had) == had  # nothing there yet: who builds it writes it
    assert not file.exists()
    file.write_text(_STORE.format(port=had))
    assert settle_port(file, None) == had
    assert settle_port(file, other) == other
    assert file.read_text() == _STORE.format(port=other)
    assert settle_port(file, None) == other


def test_without_a_word_it_is_the_usual_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kiosk.demo.ports.is_free", lambda port: port == FIRST)
    assert settle_port(tmp_path / "store.toml", None) == FIRST
