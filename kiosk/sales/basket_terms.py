"""sql: what a sale's basket earned by which versions of which rules, read back for a return."""

from uuid import UUID

from kiosk.program.program_store import read_rule_version
from kiosk.sales.sale_earning import BasketTerms
from loyalty.transactions import Tx
from sync.facts.sales import SaleCompleted
from sync.journal import find


def read_basket_terms(tx: Tx, sale: UUID) -> BasketTerms | None:
    """The basket of a sale with the rules of that day; None where no rule of a basket held.

    A version that is gone would be a damaged table: `counterfoil verify` names it, the return goes on without it and
    takes no bonus back.
    """
    entry = find(tx, sale)
    if entry is None or not isinstance(entry.body, SaleCompleted) or entry.body.basket is None:
        return None
    basket = entry.body.basket
    rules = [read_rule_version(tx, bonus.rule, bonus.version) for bonus in basket.bonuses]
    known = tuple(rule for rule in rules if rule is not None)
    return BasketTerms(basket, known) if len(known) == len(rules) else None
