"""edge: config.toml with its defaults, overlaid by the shop's own file.

The defaults are not in the code: they are read from the config.toml that ships with it, so the file a person reads is
the file that counts. An unknown or mistyped key refuses to start and says which key was probably meant.
"""

import difflib
import shlex
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from kiosk.sales.tender import RESERVED_KINDS
from loyalty.errors import Problem
from loyalty.segments import SegmentRule
from loyalty.tiers import Level
from sync.hub.settings import Settings

_SHIPPED = Path(__file__).parent / "config.toml"
_IN_REPOSITORY = Path(__file__).parent.parent / "config.toml"

Text = Annotated[str, Meta(max_length=200)]
Positive = Annotated[int, Meta(ge=1, le=2**31)]
ClockTime = Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class ConfigWrong(Problem):
    """The configuration file cannot be used."""

    code, status, hint = "config_wrong", 500, "Correct the named key; config.toml lists every key with its meaning."


class ConfigUnread(ConfigWrong):
    """The configuration file cannot be read."""

    code, hint = "config_unread", "Look at the name after --config: the file is the shop's own, and may be short."


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
    own_departments: tuple[Text, ...]
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


class Offline(Struct, frozen=True, forbid_unknown_fields=True):
    """What points may still pay while head office cannot be reached."""

    member_limit_minor: Annotated[int, Meta(ge=0, le=2**31)]
    store_limit_minor: Annotated[int, Meta(ge=0, le=2**31)]
    account_max_age_hours: Positive
    coupon_limit_minor: Annotated[int, Meta(ge=0, le=2**31)]


class Tiers(Struct, frozen=True, forbid_unknown_fields=True):
    """Which tiers there are, what counts for them, and when they are looked at anew."""

    levels: tuple[Level, ...]
    measure: Literal["points", "spend"]
    months: Annotated[int, Meta(ge=1, le=120)]
    review: Literal["month", "quarter", "year"]
    grace_days: Annotated[int, Meta(ge=0, le=364)]


class Partner(Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody who tells of activities, signed with a key of its own."""

    name: Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,30}$")]
    public_key: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]


class Consent(Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that members are asked: by which channel, what for."""

    channel: Annotated[str, Meta(pattern=r"^[a-z][a-z_]{1,29}$")]
    purpose: Annotated[str, Meta(pattern=r"^[a-z][a-z_]{1,29}$")]


class Loyalty(Struct, frozen=True, forbid_unknown_fields=True):
    """The base rule of earning, what does not earn, and who a member is beside."""

    points: Positive
    per_minor: Positive
    basis: Literal["net", "gross"]
    multipliers: Literal["max", "product"]
    excluded_departments: tuple[Text, ...]
    referral_days: Annotated[int, Meta(ge=0, le=3660)]
    segments: tuple[SegmentRule, ...]
    consents: tuple[Consent, ...]
    partners: tuple[Partner, ...]
    tiers: Tiers
    offline: Offline


class Points(Struct, frozen=True, forbid_unknown_fields=True):
    """When points begin and end, what they are worth, who may do what with them."""

    pending_days: Annotated[int, Meta(ge=0, le=3660)]
    valid_for: Annotated[int, Meta(ge=0, le=1200)]
    valid_unit: Literal["day", "month", "year"]
    valid_to_end_of: Literal["day", "month", "quarter", "year"]
    grace_days: Annotated[int, Meta(ge=0, le=3660)]
    debt: Literal["carry", "refund", "forgive"]
    forgive_below: Annotated[int, Meta(ge=0, le=2**31)]
    value_minor: Positive
    value_points: Positive
    min_points: Positive
    step: Positive
    max_share_percent: Annotated[int, Meta(ge=0, le=100)]
    tender_earns: bool
    approval_above: Annotated[int, Meta(ge=0, le=2**31)]
    hold_minutes_till: Annotated[int, Meta(ge=1, le=1440)]
    hold_minutes_kiosk: Annotated[int, Meta(ge=1, le=1440)]
    adjust_limit_cashier: Annotated[int, Meta(ge=0, le=2**31)]
    adjust_limit_manager: Annotated[int, Meta(ge=0, le=2**31)]


class Offers(Struct, frozen=True, forbid_unknown_fields=True):
    """What offers may touch, and what is shown beside a reduced price."""

    excluded_departments: tuple[Text, ...]
    show_lowest_price: bool
    perishable_departments: tuple[Text, ...]


class SaleCoupon(Struct, frozen=True, forbid_unknown_fields=True):
    """A coupon that a sale gives."""

    offer: Annotated[str, Meta(min_length=1, max_length=64)]
    from_minor: Annotated[int, Meta(ge=0, le=2**53)]


class Coupons(Struct, frozen=True, forbid_unknown_fields=True):
    """How long coupons and the keys that sign them hold, and how far another store's signature is trusted."""

    days: Annotated[int, Meta(ge=1, le=730)]
    other_stores_per_day: Annotated[int, Meta(ge=0, le=100_000)]
    with_sale: tuple[SaleCoupon, ...]
    key_days: Annotated[int, Meta(ge=1, le=730)]


class GiftCards(Struct, frozen=True, forbid_unknown_fields=True):
    """Which goods are gift cards."""

    departments: tuple[Text, ...]


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


class Kiosk(Struct, frozen=True, forbid_unknown_fields=True):
    """What stands beside a kiosk, when it forgets a member, and what it does not give."""

    printer: str
    idle_seconds: Annotated[int, Meta(ge=10, le=600)]
    countdown_seconds: Annotated[int, Meta(ge=5, le=60)]
    withheld_offers: tuple[Text, ...]


class Maintenance(Struct, frozen=True, forbid_unknown_fields=True):
    """What the service does for its own health."""

    verify_at: ClockTime
    verify_enabled: bool
    minimum_free_mb: Annotated[int, Meta(ge=0, le=2**20)]


class Log(Struct, frozen=True, forbid_unknown_fields=True):
    """How much is logged."""

    level: Literal["debug", "info", "warning", "error"]


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """Every key of config.toml. `file` overlays it; relative paths start in its `folder`."""

    store: Store
    tax: Tax
    tender: Tender
    loyalty: Loyalty
    points: Points
    offers: Offers
    coupons: Coupons
    gift_cards: GiftCards
    roles: Roles
    labels: Labels
    http: Http
    printing: Printing
    kiosk: Kiosk
    maintenance: Maintenance
    log: Log
    hub: Settings
    folder: Path = Path()
    file: Path | None = None

    def data_dir(self) -> Path:
        """The data folder as an absolute path."""
        return (self.folder / self.store.data_dir).absolute()

    def name_in_commands(self, text: str) -> str:
        """A text with commands, ready to be typed: `--config FILE` in it becomes the path of this store's own file."""
        option = f" --config {shlex.quote(str(self.file))}" if self.file else ""
        return text.replace(" --config FILE", option)


def load_config(path: Path | None = None) -> Config:
    """The defaults, overlaid by `path`. Raises ConfigWrong for a file that cannot be read or a key that is not
    right."""
    values = _read(_SHIPPED if _SHIPPED.exists() else _IN_REPOSITORY)
    folder = Path.cwd()
    if path is not None:
        _overlay(values, _read(path), "")
        path = path.absolute()
        folder = path.parent
    try:
        config = msgspec.convert(values, Config)
    except msgspec.ValidationError as error:
        raise ConfigWrong(f"{path or 'config.toml'}: {error}") from error
    _check(config)
    return msgspec.structs.replace(config, folder=folder, file=path)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigUnread(f"{path}: {error.strerror}.") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
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
    if config.kiosk.printer and config.kiosk.printer not in names:
        raise ConfigWrong(f"kiosk.printer names no printer; there are: {', '.join(names)}.")
    taken = sorted(RESERVED_KINDS.intersection(config.tender.extra_kinds))
    if taken:
        raise ConfigWrong(f"tender.extra_kinds: {', '.join(taken)} has a meaning of its own; choose another name.")
    if config.points.valid_unit == "year" and config.points.valid_for > 100:
        raise ConfigWrong("points.valid_for: at most 100 years.")
    if not config.tax.rates:
        raise ConfigWrong("tax.rates is empty: no product could be sold.")
