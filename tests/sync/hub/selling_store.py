"""A store of the tests that books sales in its own journal and tells head office of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from msgspec.structs import replace

from sync.facts.sales import SaleCompleted, TaxTerms

if TYPE_CHECKING:
    from typing import Self

    from tests.sync.hub.hubkit import RunningHub, Shop


class SellingStore:
    """Enrolled, with a session, and with numbers for its documents."""

    def __init__(self, hub: RunningHub, shop: Shop, code: str) -> None:
        self.hub, self.shop, self.code, self.pushed, self.documents = hub, shop, code, 0, 0

    @classmethod
    async def enrolled(cls, hub: RunningHub, code: str) -> Self:
        shop = await hub.enrol(code)
        await shop.open_session()
        return cls(hub, shop, code)

    async def tell(self) -> None:
        """Push what is booked, and wait until it counts."""
        new = self.shop.ops[self.pushed :]
        self.pushed = len(self.shop.ops)
        status, answer = await self.shop.push(new)
        assert status == 200, answer
        await self.hub.hub.appliers.settle()

    def number(self) -> str:
        """The next document's."""
        self.documents += 1
        return f"{self.code}-T01-{self.documents:06d}"

    def sale(self, shift: UUID, **changed: Any) -> SaleCompleted:  # noqa: ANN401  any field of a sale
        """A sale of nothing for nothing, but for what is `changed`."""
        number = self.number()
        body = SaleCompleted(
            request="",
            number=number,
            till="T01",
            series=1,
            n=self.documents,
            shift=shift,
            currency="EUR",
            terms=TaxTerms("included", "line", "half_up"),
            lines=(),
            gross_minor=0,
            discount_minor=0,
            net_minor=0,
            taxes=(),
            rounding_minor=0,
            due_minor=0,
            tenders=(),
            paid_minor=0,
            change_minor=0,
            price_book=1,
        )
        return replace(body, **changed)
