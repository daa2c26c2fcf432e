"""pure: what a fact of any kind did to gift cards."""

from collections.abc import Iterator

from sync.facts.gift_cards import CardPosted
from sync.facts.returns import ReturnTaken
from sync.facts.sales import SaleCompleted, SaleVoided


def list_movements(body: object) -> Iterator[tuple[str, CardPosted]]:
    """Each movement of a card, with its currency; none for a fact that moves none."""
    if isinstance(body, SaleCompleted):
        found = [body.vouchers, *(taken.vouchers for taken in body.returned)]
        yield from ((body.currency, posted) for each in found if each is not None for posted in each.gift_cards)
    elif isinstance(body, SaleVoided) and body.vouchers is not None:
        yield from ((body.currency, posted) for posted in body.vouchers.gift_cards)
    elif isinstance(body, ReturnTaken) and body.taken.vouchers is not None:
        yield from ((body.currency, posted) for posted in body.taken.vouchers.gift_cards)
