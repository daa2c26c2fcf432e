"""pure: the tables of the shop, each with its class."""

from kiosk.schema.catalogue import TABLES as CATALOGUE_TABLES
from kiosk.schema.counter import TABLES as COUNTER_TABLES
from kiosk.schema.people import TABLES as PEOPLE_TABLES
from kiosk.schema.sales import TABLES as SALES_TABLES
from loyalty.tables import Table

TABLES: tuple[Table, ...] = (*CATALOGUE_TABLES, *SALES_TABLES, *COUNTER_TABLES, *PEOPLE_TABLES)
