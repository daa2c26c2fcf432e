"""pure: what a printer model can do, as data. One TOML file per model in profiles/, read once.

A profile names code pages by the number ESC t takes and the codec that speaks it; the first is the one a fresh printer
gets. Where one character of a job is on none of them the whole job is drawn (raster), because a receipt in two kinds of
letters looks like two receipts.

    >>> load_profile("epson-80mm").columns
    48
"""

import functools
import tomllib
from importlib import resources
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from printers.errors import UnknownProfile


class CodePage(Struct, frozen=True, forbid_unknown_fields=True):
    """`number` is n of ESC t n; `codec` the Python codec of the same table."""

    number: Annotated[int, Meta(ge=0, le=255)]
    codec: str


class Profile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A printer model. 203 dots per inch; `dots` is the printable width and always 12 dots per column."""

    title: str
    columns: Annotated[int, Meta(ge=16, le=80)]
    dots: Annotated[int, Meta(ge=192, le=960)]
    margin_dots: Annotated[int, Meta(ge=0, le=100)]
    """White paper at each side that no printer reaches: only the preview shows it."""
    code_pages: tuple[CodePage, ...]
    """Empty: everything is drawn."""
    double_byte_rom: bool
    """A Korean, Japanese or Chinese model: it starts in its own mode and must be told to leave it (FS ., ESC R 0)."""
    native_codes: bool
    """Whether it draws QR codes and Code 128 itself (GS ( k, GS k); else they are part of the picture."""
    strip_rows: Annotated[int, Meta(ge=24, le=256)]
    """The tallest picture it takes at once; cheap printers have small buffers."""
    cut: Literal["full", "partial", "none"]
    feed_rows: Annotated[int, Meta(ge=0, le=10)]
    """Rows fed before the cut, or to the tear bar where there is no cutter."""
    answers: bool
    """Whether it answers DLE EOT and GS r, so that "printed" can be known; else its jobs end as handed over."""


@functools.cache
def load_profile(name: str) -> Profile:
    """The profile of that name. Raises UnknownProfile."""
    if name not in profile_names():
        raise UnknownProfile(f"There is no printer profile {name!r}. There are: {', '.join(profile_names())}.")
    text = resources.files("printers").joinpath("profiles", f"{name}.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), Profile)


@functools.cache
def profile_names() -> tuple[str, ...]:
    """Every model we have data for."""
    folder = resources.files("printers").joinpath("profiles")
    return tuple(sorted(file.name.removesuffix(".toml") for file in folder.iterdir() if file.name.endswith(".toml")))
