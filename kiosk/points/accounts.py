"""sql: the points of a member as this store knows them: its own postings on top of what head office told.

The functions of loyalty/points_store.py, for a store. Where something was posted before, nothing more is read.
"""

from functools import partial

from kiosk.points.told_accounts import list_told
from loyalty import points_store

load_account = partial(points_store.load_account, told_of=list_told)
open_account = partial(points_store.open_account, told_of=list_told)
view_account = partial(points_store.view_account, told_of=list_told)
read_balance = partial(points_store.read_balance, told_of=list_told)
