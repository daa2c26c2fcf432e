"""pure: the tables of the shop, each with its class."""

from kiosk.schema.bundles import TABLES as BUNDLE_TABLES
from kiosk.schema.catalogue import TABLES as CATALOGUE_TABLES
from kiosk.schema.counter import TABLES as COUNTER_TABLES
from kiosk.schema.coupons import TABLES as COUPON_TABLES
from kiosk.schema.earning import TABLES as EARNING_TABLES
from kiosk.schema.gift_cards import TABLES as GIFT_CARD_TABLES
from kiosk.schema.head_office import TABLES as HEAD_OFFICE_TABLES
from kiosk.schema.offers import TABLES as OFFER_TABLES
from kiosk.schema.people import TABLES as PEOPLE_TABLES
from kiosk.schema.sales import TABLES as SALES_TABLES
from loyalty.tables import Table

TABLES: tuple[Table, ...] = (
    *CATALOGUE_TABLES,
    *SALES_TABLES,
    *COUNTER_TABLES,
    *PEOPLE_TABLES,
    *OFFER_TABLES,
    *EARNING_TABLES,
    *COUPON_TABLES,
    *GIFT_CARD_TABLES,
    *HEAD_OFFICE_TABLES,
    *BUNDLE_TABLES,
)
