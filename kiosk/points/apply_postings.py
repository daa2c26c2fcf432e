"""sql: writes the postings of an entry, on top of what head office told of their accounts.

The functions of loyalty/apply_points.py, for a store. In a replay into empty tables nothing was ever told, and these
are those.
"""

from functools import partial

from kiosk.points.told_accounts import list_told
from loyalty import apply_points

post_points = partial(apply_points.post_points, told_of=list_told)
post_folded = apply_points.post_folded
refold = partial(apply_points.refold, told_of=list_told)
