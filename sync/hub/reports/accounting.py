"""pure: the day of a store as a journal entry of double-entry accounting, for the books that are kept elsewhere.

One document for each store, business day and currency. What was taken is a debit of the account of its kind, what it
was taken for a credit; debits are credits exactly, because both are sums over the same documents:

    debit   each kind of tender           taken - refunded       (an exchange's credit is as much in as out: no line)
    credit  sales, by tax rate            base - returned base - gift cards sold
    credit  tax, by rate                  tax - returned tax
    credit  gift_card                     gift cards sold, at their base: owed until they are spent
    credit  rounding                      cash rounding, what came by it less what went
    both    cash moved by hand            cash against pay_in, pay_out or drop
    both    counting                      the tender against over_short

A negative amount changes sides. Paying with points debits the account `points`, paying with a gift card `gift_card`:
both are what the shop owed. The float is no booking: it stays cash.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from loyalty.errors import Conflict
from loyalty.money import currency_exponent

COLUMNS = (
    *("business_day", "document", "store", "line", "account", "text", "currency"),
    *("debit_minor", "credit_minor", "debit", "credit"),
)

_DayKey = tuple[str, str, str]
_Part = TypeVar("_Part")
_Parts = dict[_DayKey, dict[str, _Part]]

_SAME = {"points_debt": "points"}


class Booking(NamedTuple):
    """One line of a document. Exactly one of the two amounts is above 0."""

    account: str
    text: str
    debit_minor: int
    credit_minor: int


class BooksUnbalanced(Conflict):
    """A day of a store does not balance, so it may not be booked."""

    code, hint = "books_unbalanced", "Export the other stores one by one, and let support look at this one."


class DaySums(NamedTuple):
    """What the roll-ups say of one store's day in one currency. `tenders`: kind -> taken less refunded; `taxes`: rate
    -> (base less returned base, tax less returned tax, base of gift cards sold); `moved`: kind of cash movement ->
    amount; `counted`: kind of tender -> counted less expected."""

    store: str
    business_day: str
    currency: str
    tenders: Mapping[str, int]
    taxes: Mapping[str, tuple[int, int, int]]
    rounding_minor: int
    moved: Mapping[str, int]
    counted: Mapping[str, int]


def book_day(sums: DaySums, accounts: Mapping[str, str]) -> list[Booking]:
    """The lines of a day's document. Raises BooksUnbalanced: then a sale or a roll-up is wrong, and nothing of the day
    may be booked."""
    lines: list[Booking] = []
    for kind, amount in sorted(sums.tenders.items()):
        lines += _debit(_account(accounts, _SAME.get(kind, kind)), f"tender {kind}", amount)
    cards = 0
    for rate, (base, tax, card_base) in sorted(sums.taxes.items()):
        lines += _debit(_account(accounts, f"sales:{rate}", "sales"), f"sales {rate} %", card_base - base)
        lines += _debit(_account(accounts, f"tax:{rate}", "tax"), f"tax {rate} %", -tax)
        cards += card_base
    lines += _debit(_account(accounts, "gift_card"), "gift cards sold", -cards)
    lines += _debit(_account(accounts, "rounding"), "rounding", -sums.rounding_minor)
    for kind, amount in sorted(sums.moved.items()):
        inward = amount if kind == "pay_in" else -amount
        lines += _debit(_account(accounts, "cash"), f"cash {kind}", inward)
        lines += _debit(_account(accounts, kind), kind, -inward)
    for kind, difference in sorted(sums.counted.items()):
        lines += _debit(_account(accounts, kind), f"counted {kind}", difference)
        lines += _debit(_account(accounts, "over_short"), f"over or short {kind}", -difference)
    off = sum(line.debit_minor - line.credit_minor for line in lines)
    if off:
        raise BooksUnbalanced(f"{sums.store} {sums.business_day} {sums.currency}: debits are {off} more than credits.")
    return lines


def rows_of(days: Iterable[DaySums], accounts: Mapping[str, str]) -> list[Sequence[object]]:
    """All documents as rows of COLUMNS. Amounts stand twice: in minor units, and as decimals with a point. Raises
    BooksUnbalanced."""
    rows: list[Sequence[object]] = []
    for sums in days:
        document = f"{sums.store}-{sums.business_day.replace('-', '')}-{sums.currency}"
        digits = currency_exponent(sums.currency)
        for number, line in enumerate(book_day(sums, accounts), start=1):
            amounts = (line.debit_minor, line.credit_minor)
            named = (sums.business_day, document, sums.store, number, line.account, line.text, sums.currency)
            rows.append((*named, *amounts, *(decimal_text(amount, digits) for amount in amounts)))
    return rows


def decimal_text(minor: int, digits: int) -> str:
    """Minor units with a decimal point.

    >>> decimal_text(258, 2), decimal_text(-5, 2), decimal_text(300, 0)
    ('2.58', '-0.05', '300')
    """
    sign = "-" if minor < 0 else ""
    if not digits:
        return f"{minor}"
    whole, part = divmod(abs(minor), 10**digits)
    return f"{sign}{whole}.{part:0{digits}d}"


def sum_days(
    tenders: Iterable[tuple[str, str, str, str, int]],
    taxes: Iterable[tuple[str, str, str, str, int, int, int]],
    roundings: Iterable[tuple[str, str, str, int]],
    moved: Iterable[tuple[str, str, str, str, int]],
    counted: Iterable[tuple[str, str, str, str, int]],
) -> list[DaySums]:
    """Rows that begin with (store, business day, currency) as one value for each of these, in their order."""
    tenders_of: _Parts[int] = defaultdict(dict)
    taxes_of: _Parts[tuple[int, int, int]] = defaultdict(dict)
    rounding_of: dict[_DayKey, int] = defaultdict(int)
    moved_of: _Parts[int] = defaultdict(dict)
    counted_of: _Parts[int] = defaultdict(dict)
    for store, day, currency, kind, amount in tenders:
        tenders_of[day, store, currency][kind] = amount
    for store, day, currency, rate, *amounts in taxes:
        taxes_of[day, store, currency][rate] = (amounts[0], amounts[1], amounts[2])
    for store, day, currency, amount in roundings:
        rounding_of[day, store, currency] += amount
    for store, day, currency, kind, amount in moved:
        moved_of[day, store, currency][kind] = amount
    for store, day, currency, kind, amount in counted:
        counted_of[day, store, currency][kind] = amount
    keys = {*tenders_of, *taxes_of, *rounding_of, *moved_of, *counted_of}
    return [
        DaySums(
            store=key[1],
            business_day=key[0],
            currency=key[2],
            tenders=tenders_of.get(key, {}),
            taxes=taxes_of.get(key, {}),
            rounding_minor=rounding_of.get(key, 0),
            moved=moved_of.get(key, {}),
            counted=counted_of.get(key, {}),
        )
        for key in sorted(keys)
    ]


def _account(accounts: Mapping[str, str], *names: str) -> str:
    """The account of the first name that has one; that of `other` for a name nobody listed."""
    for name in names:
        if name in accounts:
            return accounts[name]
    return accounts.get("other", names[-1])


def _debit(account: str, text: str, amount: int) -> list[Booking]:
    """A debit, a credit where the amount is negative, nothing where it is 0."""
    return [Booking(account, text, max(amount, 0), max(-amount, 0))] if amount else []
