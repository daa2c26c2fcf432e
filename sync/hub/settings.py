"""pure: the settings of head office: the section `hub` of the configuration, key by key (config.toml says what each is
for). Times are in the unit their name ends with."""

from typing import Annotated

from msgspec import Meta, Struct

Text = Annotated[str, Meta(max_length=200)]
Positive = Annotated[int, Meta(ge=1, le=2**31)]


class Accounts(Struct, frozen=True, forbid_unknown_fields=True):
    """The accounts that the accounting export books on. `special`: accounts of their own, each as name=account."""

    cash: Text
    card: Text
    gift_card: Text
    points: Text
    sales: Text
    tax: Text
    rounding: Text
    over_short: Text
    drop: Text
    pay_in: Text
    pay_out: Text
    other: Text
    special: tuple[Annotated[str, Meta(pattern=r"^[^=]+=[^=]+$", max_length=200)], ...]

    def by_name(self) -> dict[str, str]:
        """All accounts by name, those of single rates and kinds too."""
        named = {"cash": self.cash, "card": self.card, "gift_card": self.gift_card, "points": self.points}
        named |= {"sales": self.sales, "tax": self.tax, "rounding": self.rounding, "over_short": self.over_short}
        named |= {"drop": self.drop, "pay_in": self.pay_in, "pay_out": self.pay_out, "other": self.other}
        return named | dict(each.split("=", 1) for each in self.special)


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """How head office is reached, where it keeps its books, and how much it takes at once."""

    name: Text
    data_dir: Text
    database: Annotated[str, Meta(min_length=1, max_length=1000)]
    listen_host: Text
    listen_port: Annotated[int, Meta(ge=0, le=65535)]
    open_to_networks: tuple[Text, ...]
    own_names: tuple[Text, ...]
    address_requests_per_second: Positive
    address_sign_ins_per_minute: Positive
    pushes_at_once: Positive
    pushes_waiting: Positive
    pull_wait_seconds: Annotated[int, Meta(ge=0, le=60)]
    enrolment_minutes: Positive
    office_hours: Positive
    password_attempts: Annotated[int, Meta(ge=1, le=100)]
    password_lock_minutes: Positive
    silent_after_minutes: Positive
    store_exposure_minor: Annotated[int, Meta(ge=0, le=2**53)]
    lease_minutes: Annotated[int, Meta(ge=1, le=10_080)]
    store_lease_points: Annotated[int, Meta(ge=0, le=2**53)]
    store_reservations: Annotated[int, Meta(ge=0, le=100_000)]
    store_credit_points: Annotated[int, Meta(ge=0, le=2**53)]
    store_credit_minor: Annotated[int, Meta(ge=0, le=2**53)]
    store_reach: Positive
    store_taken_points: Annotated[int, Meta(ge=1, le=2**53)]
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}$")]
    point_value_minor: Annotated[int, Meta(ge=0, le=2**31)]
    point_value_points: Positive
    bundle_lead_seconds: Positive
    tax_classes: tuple[Text, ...]
    member_days: Annotated[int, Meta(ge=1, le=36_500)]
    snapshot_things: Annotated[int, Meta(ge=0, le=2**31)]
    snapshot_hours: Annotated[int, Meta(ge=1, le=8_760)]
    snapshot_downloads: Positive
    apply_entries: bool
    accounts: Accounts
