"""pure: how much of a sale comes back when a part of it is returned, however the return is cut into pieces.

What has come back after `part` of `whole` is a function of `part` alone, never of the returns before. A single return
is the difference of two such states, so any series of returns ends exactly where one full return ends (I14), and no
state is ever above the whole (I9). Use it for the refund, the tax in it, each discount and the points paid with.

    A line of 3 pieces sold for 1000, one piece brought back on each of three days:

        >>> [returned_now(1000, before, before + 1000, 3000) for before in (0, 1000, 2000)]
        [333, 333, 334]
"""


def cumulative_share(whole_amount: int, part: int, whole: int) -> int:
    """What `part` of `whole` (same unit, 0 <= part <= whole, whole > 0) carries of `whole_amount`, cut towards zero.

        amount | part of whole | share
        -------|---------------|------
          1000 |        0 of 3 |     0
          1000 |        1 of 3 |   333
          1000 |        2 of 3 |   666
          1000 |        3 of 3 |  1000
         -1000 |        2 of 3 |  -666

    Cutting keeps the store from paying back a fraction of a unit that a later return might not bring.

    Raises ValueError for a part outside 0..whole; refusing to take back more than was sold is the caller's decision.
    """
    if not 0 <= part <= whole or whole == 0:
        raise ValueError("a returned part lies between nothing and the whole")
    share = abs(whole_amount) * part // whole
    return share if whole_amount >= 0 else -share


def returned_now(whole_amount: int, before: int, after: int, whole: int) -> int:
    """What this return gives back of `whole_amount` when it raises the returned part from `before` to `after`.

    Raises ValueError when `after` is less than `before` or either lies outside 0..whole.
    """
    if after < before:
        raise ValueError("a return never makes the returned part smaller")
    return cumulative_share(whole_amount, after, whole) - cumulative_share(whole_amount, before, whole)
