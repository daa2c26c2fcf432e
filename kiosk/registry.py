"""sql: which table there is, who applies which kind, how each cache is proved. Handed to the journal and to verify."""

from collections.abc import Mapping

from kiosk.bundles.apply_bundles import apply_bundle_activated, apply_bundle_refused
from kiosk.catalogue.apply_catalogue import apply_products_changed, apply_stock_counted
from kiosk.catalogue.apply_stock import check_stock_levels
from kiosk.coupons.apply_coupons import apply_coupon_voided, apply_coupons_issued, apply_keys_listed
from kiosk.life.rules import POINTS, RULES
from kiosk.members.apply_members import (
    apply_consent_recorded,
    apply_member_changed,
    apply_member_enrolled,
    apply_member_erased,
    apply_member_merged,
    apply_member_parted,
)
from kiosk.offers.apply_offers import apply_offer_changed, check_member_totals, check_offer_totals
from kiosk.points.apply_backing import apply_lease_ended
from kiosk.points.apply_points import apply_points_fact
from kiosk.program.apply_earning import apply_activity_recorded, apply_definition_changed
from kiosk.sales.apply_reservations import apply_reservation_ended
from kiosk.sales.apply_sales import apply_return_taken, apply_sale_completed, apply_sale_voided
from kiosk.sales.apply_told_returns import apply_return_followed
from kiosk.schema import TABLES as KIOSK_TABLES
from kiosk.shifts.apply_counter import (
    apply_basket_claimed,
    apply_basket_parked,
    apply_drawer_opened,
    apply_epoch_started,
    apply_operator_changed,
    apply_shift_closed,
    apply_shift_moved,
    apply_shift_opened,
)
from loyalty.points_proof import PROVED_CACHES
from loyalty.schema import TABLES as LOYALTY_TABLES
from loyalty.tables import Table, TableClass
from printers.schema import INDEXES as PRINTER_INDEXES
from printers.schema import KEYS as PRINTER_KEYS
from printers.schema import LOCAL_TABLES as PRINTER_TABLES
from printers.schema import PERSONAL as PRINTER_PERSONAL
from sync.apply_lives import apply_entries_recovered, apply_epoch_cut
from sync.facts import Body
from sync.facts.bundles import BundleActivated, BundleRefused
from sync.facts.catalogue import ProductsChanged, StockCounted
from sync.facts.coupons import CouponsIssued, CouponVoided, KeysListed
from sync.facts.earning import ActivityRecorded, DefinitionChanged
from sync.facts.lending import LeaseEnded
from sync.facts.lives import EntriesRecovered, EpochCut
from sync.facts.members import (
    ConsentRecorded,
    MemberChanged,
    MemberEnrolled,
    MemberErased,
    MemberMerged,
    MemberParted,
)
from sync.facts.offers import OfferChanged
from sync.facts.points import PointsAdjusted, PointsHeld, PointsReleased
from sync.facts.reserving import ReservationEnded
from sync.facts.returns import ReturnFollowed, ReturnTaken
from sync.facts.sales import SaleCompleted, SaleVoided
from sync.facts.shifts import DrawerOpened, ShiftClosed, ShiftMoved, ShiftOpened
from sync.facts.store import BasketClaimed, BasketParked, EpochStarted, OperatorChanged
from sync.journal import Apply
from sync.schema import TABLES as SYNC_TABLES
from sync.verify import Registry

APPLIERS: Mapping[type[Body], Apply] = {
    EpochStarted: apply_epoch_started,
    EpochCut: apply_epoch_cut,
    EntriesRecovered: apply_entries_recovered,
    OperatorChanged: apply_operator_changed,
    ProductsChanged: apply_products_changed,
    StockCounted: apply_stock_counted,
    ShiftOpened: apply_shift_opened,
    ShiftMoved: apply_shift_moved,
    ShiftClosed: apply_shift_closed,
    DrawerOpened: apply_drawer_opened,
    SaleCompleted: apply_sale_completed,
    SaleVoided: apply_sale_voided,
    ReturnTaken: apply_return_taken,
    ReturnFollowed: apply_return_followed,
    MemberEnrolled: apply_member_enrolled,
    MemberChanged: apply_member_changed,
    MemberErased: apply_member_erased,
    MemberMerged: apply_member_merged,
    MemberParted: apply_member_parted,
    ConsentRecorded: apply_consent_recorded,
    PointsAdjusted: apply_points_fact,
    PointsHeld: apply_points_fact,
    PointsReleased: apply_points_fact,
    LeaseEnded: apply_lease_ended,
    BasketParked: apply_basket_parked,
    BasketClaimed: apply_basket_claimed,
    DefinitionChanged: apply_definition_changed,
    ActivityRecorded: apply_activity_recorded,
    KeysListed: apply_keys_listed,
    CouponsIssued: apply_coupons_issued,
    CouponVoided: apply_coupon_voided,
    ReservationEnded: apply_reservation_ended,
    OfferChanged: apply_offer_changed,
    BundleActivated: apply_bundle_activated,
    BundleRefused: apply_bundle_refused,
}

_PRINTER_TABLES = tuple(
    Table(
        name, TableClass.LOCAL, PRINTER_KEYS[name], ddl, PRINTER_INDEXES.get(name, ()), personal=PRINTER_PERSONAL[name]
    )
    for name, ddl in PRINTER_TABLES.items()
)

TABLES: tuple[Table, ...] = (*SYNC_TABLES, *LOYALTY_TABLES, *_PRINTER_TABLES, *KIOSK_TABLES)

REGISTRY = Registry(
    tables=TABLES,
    appliers=APPLIERS,
    caches={
        **dict.fromkeys(PROVED_CACHES, POINTS),
        "stock_level": check_stock_levels,
        "offer_total": check_offer_totals,
        "offer_member_total": check_member_totals,
    },
    rules=RULES,
)


def list_statements() -> list[str]:
    """The whole schema, statement by statement, in the order it can be created in."""
    return [sql.strip() for table in TABLES for sql in (table.ddl, *table.indexes)]
