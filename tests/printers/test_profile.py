"""Profiles are data, and sane data."""

import pytest

from printers.errors import UnknownProfile
from printers.profile import load_profile, profile_names


@pytest.mark.parametrize("name", profile_names())
def test_a_profile_is_consistent(name: str) -> None:
    profile = load_profile(name)
    assert profile.dots == profile.columns * 12
    assert profile.dots % 8 == 0
    # The length of a picture strip has to stay far below the 16 bits of its command and the buffers of cheap printers.
    assert profile.strip_rows * profile.dots // 8 < 20_000
    for page in profile.code_pages:
        assert "A".encode(page.codec) == b"A"
    assert len({page.number for page in profile.code_pages}) == len(profile.code_pages)


def test_the_profiles_a_shop_starts_with_are_there() -> None:
    assert {"epson-80mm", "generic-58mm", "virtual"} <= set(profile_names())


@pytest.mark.parametrize("name", ["", "nothing", "../schema", "epson-80mm.toml"])
def test_an_unknown_profile_is_refused_and_the_known_ones_are_named(name: str) -> None:
    with pytest.raises(UnknownProfile, match="epson-80mm"):
        load_profile(name)
