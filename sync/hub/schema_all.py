"""pure: every table of head office, in the order in which they are made: those of the rule book, the journals of the
stores, what the appliers keep, what the reports are read from."""

from loyalty.schema import TABLES as LOYALTY_TABLES
from loyalty.tables import Table
from sync.hub.schema import TABLES
from sync.hub.schema_apply import TABLES as APPLY_TABLES
from sync.hub.schema_bundles import TABLES as BUNDLE_TABLES
from sync.hub.schema_lending import TABLES as LENDING_TABLES
from sync.hub.schema_reports import TABLES as REPORT_TABLES
from sync.hub.schema_reserving import TABLES as RESERVING_TABLES

ALL_TABLES: tuple[Table, ...] = (
    *(*LOYALTY_TABLES, *TABLES, *APPLY_TABLES, *LENDING_TABLES),
    *(*RESERVING_TABLES, *BUNDLE_TABLES, *REPORT_TABLES),
)
