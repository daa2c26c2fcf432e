"""edge: config.toml with its defaults, overlaid by the shop's own file.

The defaults are not in the code: they are read from the config.toml that ships with it, so the file a person reads is
the file that counts. An unknown or mistyped key refuses to start and says which key was probably meant.
"""

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from kiosk.tender import RESERVED_KINDS
from loyalty.errors import Problem

_SHIPPED = Path(__file__).parent / "config.toml"
_IN_REPOSITORY = Path(__file__).parent.parent / "config.toml"

Text = Annotated[str, Meta(max_length=200)]
Positive = Annotated[int, Meta(ge=1, le=2**31)]
ClockTime = Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class ConfigWrong(Problem):
    """The configuration file cannot be used."""

    code, status, hint = "config_wrong", 500, "Correct the named key; config.toml lists every key with its meaning."


class Store(Struct, frozen=True, forbid_unknown_fields=True):
    """Who and where the shop is."""

    code: Annotated[str, Meta(pattern=r"^[A-Z0-9]{1,8}$")]
    name: Text
    address_lines: tuple[Text, ...]
    tax_id: Text
    footer_lines: tuple[Text, ...]
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}$")]
    locale: Literal["en", "ko", "ja", "pl"]
    time_zone: Text
    day_cutover: ClockTime
    phone_prefix: Annotated[str, Meta(pattern=r"^[1-9]\d{0,2}$")]
    data_dir: Text


class TaxRate(Struct, frozen=True, forbid_unknown_fields=True, rename={"tax_class": "class"}):
    """A rate of a tax class from a day on."""

    tax_class: Text
    valid_from: Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    rate: Text


class Tax(Struct, frozen=True, forbid_unknown_fields=True):
    """How tax is computed."""

    mode: Literal["included", "added"]
    rounding: Literal["line", "rate", "receipt"]
    method: Literal["half_up", "down", "up", "half_even"]
    rates: tuple[TaxRate, ...]


class Tender(Struct, frozen=True, forbid_unknown_fields=True):
    """How one may pay."""

    cash_rounding_step_minor: Positive
    extra_kinds: tuple[Annotated[str, Meta(pattern=r"^[a-z_]{2,30}$")], ...]
    return_days: Annotated[int, Meta(ge=0, le=36500)]


class Loyalty(Struct, frozen=True, forbid_unknown_fields=True):
    """The base rule of earning."""

    points: Positive
    per_minor: Positive
    basis: Literal["net", "gross"]


Approvable = Literal["price_override", "discount", "void", "return", "drawer"]


class Roles(Struct, frozen=True, forbid_unknown_fields=True):
    """What a cashier may do alone, and how PINs are guarded."""

    needs_approval: tuple[Approvable, ...]
    cashier_discount_percent: Annotated[int, Meta(ge=0, le=100)]
    pin_attempts: Annotated[int, Meta(ge=1, le=100)]
    lock_minutes: Positive
    sign_in_hours: Positive
    approval_minutes: Positive


class Labels(Struct, frozen=True, forbid_unknown_fields=True):
    """Price- and weight-embedded barcodes."""

    patterns: tuple[Annotated[str, Meta(pattern=r"^\d{1,2}I+[PW]+C$|^\d{1,2}I+C?[PW]+C$", max_length=13)], ...]


class Http(Struct, frozen=True, forbid_unknown_fields=True):
    """The door to the LAN."""

    host: Text
    port: Annotated[int, Meta(ge=0, le=65535)]
    allowed_networks: tuple[Text, ...]
    host_names: tuple[Text, ...]
    max_body_bytes: Annotated[int, Meta(ge=1024, le=2**30)]
    requests_per_second: Positive
    sign_ins_per_minute: Positive


class Printer(Struct, frozen=True, forbid_unknown_fields=True):
    """One device that prints."""

    name: Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,30}$")]
    kind: Literal["virtual", "tcp"]
    profile: Text
    host: Text = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65535)] = 9100
    pace_ms: Annotated[int, Meta(ge=0, le=60_000)] = 0


class Printing(Struct, frozen=True, forbid_unknown_fields=True):
    """Which printers there are and what goes where."""

    receipt_printer: str
    keep_days: Positive
    printers: tuple[Printer, ...]


class Maintenance(Struct, frozen=True, forbid_unknown_fields=True):
    """What the service does for its own health."""

    verify_at: ClockTime
    verify_enabled: bool
    minimum_free_mb: Annotated[int, Meta(ge=0, le=2**20)]


class Log(Struct, frozen=True, forbid_unknown_fields=True):
    """How much is logged."""

    level: Literal["debug", "info", "warning", "error"]


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """Every key of config.toml. `folder` is where the overlaying file lies; relative paths start there."""

    store: Store
    tax: Tax
    tender: Tender
    loyalty: Loyalty
    roles: Roles
    labels: Labels
    http: Http
    printing: Printing
    maintenance: Maintenance
    log: Log
    folder: Path = Path()

    def data_dir(self) -> Path:
        """The data folder as an absolute path."""
        return (self.folder / self.store.data_dir).absolute()


def load_config(path: Path | None = None) -> Config:
    """The defaults, overlaid by `path`. Raises ConfigWrong for a file that cannot be read or a key that is not
    right."""
    values = _read(_SHIPPED if _SHIPPED.exists() else _IN_REPOSITORY)
    folder = Path.cwd()
    if path is not None:
        _overlay(values, _read(path), "")
        folder = path.absolute().parent
    try:
        config = msgspec.convert(values, Config)
    except msgspec.ValidationError as error:
        raise ConfigWrong(f"{path or 'config.toml'}: {error}") from error
    _check(config)
    return msgspec.structs.replace(config, folder=folder)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigWrong(f"{path}: {error}") from error


def _overlay(values: dict[str, Any], overlay: Mapping[str, Any], prefix: str) -> None:
    for key, value in overlay.items():
        if key not in values:
            raise ConfigWrong(f"Unknown key {prefix}{key}.{_did_you_mean(key, values)}")
        if isinstance(values[key], dict) != isinstance(value, dict):
            raise ConfigWrong(f"{prefix}{key} must{'' if isinstance(values[key], dict) else ' not'} be a table.")
        if isinstance(value, dict):
            _overlay(values[key], value, f"{prefix}{key}.")
        else:
            values[key] = value


def _did_you_mean(key: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(key, list(known), n=1)
    return f" Did you mean {close[0]}?" if close else ""


def _check(config: Config) -> None:
    """What the types cannot say."""
    names = [printer.name for printer in config.printing.printers]
    if config.printing.receipt_printer not in names:
        raise ConfigWrong(f"printing.receipt_printer names no printer; there are: {', '.join(names) or 'none'}.")
    if len(set(names)) != len(names):
        raise ConfigWrong("printing.printers: two printers have the same name.")
    taken = sorted(RESERVED_KINDS.intersection(config.tender.extra_kinds))
    if taken:
        raise ConfigWrong(f"tender.extra_kinds: {', '.join(taken)} has a meaning of its own; choose another name.")
    if not config.tax.rates:
        raise ConfigWrong("tax.rates is empty: no product could be sold.")
