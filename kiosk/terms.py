"""pure: the shop's terms of trade, made once from the configuration: currency, taxes, tenders, points, who needs
approval."""

from msgspec import Struct

from kiosk.catalogue.barcodes import LabelPattern
from kiosk.program.earning_terms import EarningTerms
from loyalty.earning import EarnRule
from loyalty.errors import InvalidInput, WrongCurrency
from loyalty.exposure import OfflinePolicy
from loyalty.points.program import Program
from loyalty.rounding import Rounding
from loyalty.tax import TaxMode, TaxRounding, TaxRules, canonical_rate


class NoTaxRate(InvalidInput):
    """No tax rate is known for this product today."""

    code, hint = "no_tax_rate", "Ask the manager to give the product a tax class that config.toml has a rate for."


class DatedRate(Struct, frozen=True, order=True):
    """A tax class's rate from a day (YYYY-MM-DD) on."""

    tax_class: str
    valid_from: str
    rate: str


class Terms(Struct, frozen=True, kw_only=True):
    """What every decision of the shop needs to know and no request may say."""

    store: str
    currency: str
    currency_digits: int
    time_zone: str
    day_cutover_minutes: int
    locale: str
    tax: TaxRules
    rates: tuple[DatedRate, ...]
    cash_rounding_step_minor: int
    tender_kinds: frozenset[str]
    return_days: int
    earn_rule: EarnRule
    needs_approval: frozenset[str]
    cashier_discount_percent: int
    label_patterns: tuple[LabelPattern, ...]
    phone_prefix: str
    receipt_printer: str
    store_name: str
    address_lines: tuple[str, ...] = ()
    tax_id: str = ""
    footer_lines: tuple[str, ...] = ()
    program: Program = Program()
    earning: EarningTerms = EarningTerms()
    offline: OfflinePolicy = OfflinePolicy(member_limit_minor=0, store_limit_minor=0, account_max_age_ms=0)
    approval_above_points: int = 0
    excluded_departments: frozenset[str] = frozenset()
    show_lowest_price: bool = False
    perishable_departments: frozenset[str] = frozenset()
    coupon_days: int = 30
    foreign_coupons_per_day: int = 0
    sale_coupons: tuple[tuple[str, int], ...] = ()
    gift_card_departments: frozenset[str] = frozenset()
    kiosk_printer: str = ""
    withheld_offers: frozenset[str] = frozenset()
    own_departments: frozenset[str] = frozenset()

    def rate_of(self, tax_class: str, business_day: str) -> str:
        """The rate of a class on a day, in percent as text. Raises NoTaxRate."""
        found = ""
        for rate in self.rates:
            if rate.tax_class == tax_class and rate.valid_from <= business_day:
                found = rate.rate
        if not found:
            raise NoTaxRate(f"Tax class {tax_class} has no rate on {business_day}.")
        return found

    def check_currency(self, currency: str | None) -> None:
        """Raises WrongCurrency when a request names another currency than the store's."""
        if currency is not None and currency != self.currency:
            raise WrongCurrency(f"This store counts in {self.currency}.", pointer="/currency")


def read_tax_rules(mode: str, rounding: str, method: str) -> TaxRules:
    """The three words of the configuration or of a fact as rules."""
    return TaxRules(TaxMode(mode), TaxRounding(rounding), Rounding(method))


def sort_rates(rates: list[tuple[str, str, str]]) -> tuple[DatedRate, ...]:
    """(class, valid_from, rate) in the order `rate_of` needs, with canonical rates."""
    return tuple(sorted(DatedRate(name, day, canonical_rate(rate)) for name, day, rate in rates))
