"""What head office keeps for a store is not used behind a report of that store, however long the sale takes: a head
office that was put back from a backup may have forgotten it, and given it to somebody else."""

from typing import Any

from kiosk.points.lease_report import read_report
from sync.protocol.commands import CouponToken
from sync.protocol.sale_states import SaleState
from tests.kiosk.shopkit import Running, new_id
from tests.kiosk.web.chain import Chain
from tests.kiosk.web.test_chain_gift_cards import pay, sell_card


class ReportsMeanwhile:
    """Asks head office as ever; before its answer is used the store makes a report."""

    def __init__(self, store: Running) -> None:
        self._reserver: Any = store.store.door.reserver
        self._database = store.store.database

    async def reserve(self, command: Any) -> Any:  # noqa: ANN401
        answer = await self._reserver.reserve(command)
        await self._database.write(read_report)
        return answer

    async def read_sale(self, text: str) -> SaleState:
        return await self._reserver.read_sale(text)  # type: ignore[no-any-return]

    async def find_token(self, serial: int) -> CouponToken:
        return await self._reserver.find_token(serial)  # type: ignore[no-any-return]


async def test_a_gift_card_and_goods_of_another_store_wait_for_the_next_try(chain: Chain) -> None:
    for store in chain.stores:
        await store.open_shift(role="manager")
    await sell_card(chain, "SLOW-CARD-0001")
    sold = await chain.first.sell("100", tenders=[{"kind": "cash", "amount_minor": 10_000}])
    assert sold.status == 201, sold
    await chain.agree()
    reserver = chain.second.store.door.reserver
    chain.second.store.door.reserver = ReportsMeanwhile(chain.second)
    lines = [{"line": 1, "quantity_milli": 1000}]
    refund = sold.json["totals"]["due_minor"]
    back = {
        "id": str(new_id()),
        "sale": sold.json["number"],
        "lines": lines,
        "refunds": [{"kind": "cash", "amount_minor": refund}],
        "reason": "x",
    }
    paid = await pay(chain.second, "SLOW-CARD-0001", 3)
    assert (paid.status, paid.json["code"]) == (409, "gift_card_needs_line")
    returned = await chain.second.call("POST", "/v1/returns", back)
    assert (returned.status, returned.json["code"]) == (409, "return_needs_line")
    chain.second.store.door.reserver = reserver
    # Of the sale that was refused, three pieces are kept until the store gives them back.
    assert (await pay(chain.second, "SLOW-CARD-0001", 2)).status == 201
    assert (await chain.second.call("POST", "/v1/returns", back)).status == 201
    await chain.agree()
    assert await chain.incidents() == []
