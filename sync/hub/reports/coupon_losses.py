"""sql: what coupons that were taken twice have cost so far, as their open incidents say."""

import msgspec

from loyalty.transactions import Tx


class _Ref(msgspec.Struct):
    value_minor: int = 0


_decode = msgspec.json.Decoder(list[_Ref]).decode


def read_coupon_loss(tx: Tx) -> int:
    """The sum, in minor units, of what the uses that were too many took off. The first uses of each coupon are kept;
    the others stand behind them, as many as the incident says."""
    rows = tx.execute("SELECT amount, refs FROM incident WHERE state = 'open' AND kind = 'coupon_reuse'").fetchall()
    return sum(ref.value_minor for amount, refs in rows for ref in _decode(refs)[-amount:])
