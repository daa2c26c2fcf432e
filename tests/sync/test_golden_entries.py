"""Entries as earlier builds wrote them: tests/golden/entries/<kind>.v<version>.json, the exact bytes, kept for ever.

A shop's journal is never rewritten, so each of these must be read, and encoded again to the very same bytes, by every
release to come. A new kind or version gets its file with: python -m tests.kiosk.history tests/golden/entries
"""

from pathlib import Path

import msgspec
import pytest

from sync.chain import Content, decode_content
from sync.facts import KINDS, decode_body, kind_of

FOLDER = Path(__file__).parents[1] / "golden" / "entries"
NAMES = [f"{kind}.v{version}.json" for kind, version in KINDS]


def test_every_kind_and_version_has_a_golden_entry_and_none_is_left_over() -> None:
    assert sorted(path.name for path in FOLDER.iterdir()) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_golden_entry_is_read_and_encoded_to_the_same_bytes(name: str) -> None:
    raw = (FOLDER / name).read_bytes()
    content = decode_content(raw)
    assert f"{content.kind}.v{content.v}.json" == name
    body = decode_body(content.kind, content.v, content.body)
    assert kind_of(type(body)) == (content.kind, content.v)
    again = msgspec.structs.replace(content, body=msgspec.Raw(msgspec.json.encode(body)))
    assert isinstance(again, Content)
    assert msgspec.json.encode(again) == raw


@pytest.mark.parametrize("name", NAMES)
def test_a_golden_entry_names_nobody(name: str) -> None:
    """The golden history's members have these names and numbers; none may stand in hashed bytes."""
    raw = (FOLDER / name).read_text(encoding="utf-8")
    for text in ("Anna", "Kowalska", "Nowak", "Benedikt", "Ochs", "600100200", "601202303", "600 100 200", "Mia M"):
        assert text not in raw
