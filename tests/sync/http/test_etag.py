"""Entity tags and the headers that use them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.http.etag import content_etag, is_unchanged, require_match, strong_etag
from sync.http.problems import PreconditionFailed, PreconditionRequired


@pytest.mark.parametrize(
    ("if_match", "expected"),
    [
        ('"7"', None),
        ('"6", "7"', None),
        (' "7" ,"8"', None),
        (None, PreconditionRequired),
        ("", PreconditionRequired),
        ('"6"', PreconditionFailed),
        ('W/"7"', PreconditionFailed),
        ("*", PreconditionFailed),
        ("7", PreconditionFailed),
        ('"7', PreconditionFailed),
        ('"7" "8"', PreconditionFailed),
        ('"x",' * 1000 + '"7"', PreconditionFailed),
    ],
)
def test_which_changes_go_through(if_match: str | None, expected: type[Exception] | None) -> None:
    if expected is None:
        require_match(if_match, '"7"')
    else:
        with pytest.raises(expected):
            require_match(if_match, '"7"')


@pytest.mark.parametrize(
    ("if_none_match", "unchanged"),
    [
        (None, False),
        ("", False),
        ('"7"', True),
        ('W/"7"', True),
        ('"6","7"', True),
        ("*", True),
        ('"6"', False),
        ("7", False),
    ],
)
def test_which_copies_are_current(if_none_match: str | None, unchanged: bool) -> None:
    assert is_unchanged(if_none_match, '"7"') is unchanged


@given(st.lists(st.one_of(st.integers(0), st.text(st.characters(codec="utf-8"), max_size=20)), min_size=1, max_size=3))
def test_every_tag_we_make_is_one_we_read(parts: list[int | str]) -> None:
    tag = strong_etag(*parts)
    require_match(tag, tag)
    assert is_unchanged(f'"0", {tag}', tag)


def test_different_contents_have_different_tags() -> None:
    assert content_etag(b"a") != content_etag(b"b")
    assert strong_etag(1, "pl") != strong_etag(1, "en")
