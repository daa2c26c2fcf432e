"""pure: what came of a replay: every basket's answer, and every sale of the store, beside what the data say."""

from collections import Counter
from collections.abc import Iterable
from uuid import UUID

import msgspec
from msgspec import Struct

from kiosk.replay.replay_orders import Order, decode_answer, differences

PROBLEMS_KEPT = 20


class ListedSale(Struct, frozen=True):
    """The part of an item of GET /v1/sales that is checked."""

    id: UUID
    due_minor: int
    state: str


class SalesPage(Struct, frozen=True):
    """A page of GET /v1/sales."""

    items: tuple[ListedSale, ...]
    next: str | None


class Tally:
    """Counts while a replay goes on. `problems` keeps the first sentences of what was refused or wrong."""

    def __init__(self, orders: Iterable[Order]) -> None:
        self._totals_minor = {order.sale: order.total_minor for order in orders}
        self._listed: Counter[UUID] = Counter()
        self._wrong: set[UUID] = set()
        self.booked = 0
        self.repeated = 0
        self.refused = 0
        self.problems: list[str] = []

    def take(self, order: Order, status: int, body: bytes) -> None:
        """The answer to an order: 201 booked now, 200 booked before, anything else refused."""
        if status not in (200, 201):
            self.refused += 1
            self.note(f"basket {order.basket_id}: {status} {body[:400].decode(errors='replace')}")
            return
        if status == 201:
            self.booked += 1
        else:
            self.repeated += 1
        try:
            wrong = differences(order, decode_answer(body))
        except msgspec.DecodeError as error:
            wrong = (f"the answer cannot be read: {error}",)
        if wrong:
            self._wrong.add(order.sale)
            self.note(f"basket {order.basket_id}: {'; '.join(wrong)}")

    def take_page(self, page: SalesPage) -> None:
        """Sales as the store lists them; those of nobody here are passed over."""
        for sale in page.items:
            total_minor = self._totals_minor.get(sale.id)
            if total_minor is None:
                continue
            self._listed[sale.id] += 1
            if (sale.due_minor, sale.state) != (total_minor, "completed"):
                self._wrong.add(sale.id)
                self.note(f"sale {sale.id} is {sale.state} with {sale.due_minor} due, not {total_minor}")

    @property
    def sales(self) -> int:
        """How many baskets stand in the store exactly once."""
        return sum(count == 1 for count in self._listed.values())

    @property
    def wrong_totals(self) -> int:
        """How many baskets have a wrong figure, in the answer or in the store."""
        return len(self._wrong)

    def note(self, problem: str) -> None:
        """Keep a sentence for whoever looks at the outcome."""
        if len(self.problems) < PROBLEMS_KEPT:
            self.problems.append(problem)
