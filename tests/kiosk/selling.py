"""A till in this process, for tests of selling: real SQLite, real journal, one transaction a call.

with open_till(tmp_path) as till:
    milk = till.sell("100", tenders=[("cash", 200)])
    till.take_back(milk, [(1, 1000)], refunds=[("cash", 129)])
    assert_holds(till.connection)
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar
from uuid import UUID

from kiosk.answers import BalanceAnswer, QuoteAnswer, SaleAnswer, render_balance
from kiosk.commands import (
    CloseShift,
    CompleteSale,
    ExchangeLine,
    LineRequest,
    MoveCash,
    OpenShift,
    QuoteBasket,
    QuoteReturn,
    RefundRequest,
    ReturnLine,
    TakeBack,
    TenderRequest,
    VoidSale,
)
from kiosk.identity.approvals import grant_approval
from kiosk.identity.proofs import CheckedProof
from kiosk.members.member_service import ENROL_RANDOM_BYTES, enrol_member
from kiosk.members.members import EnrolMember
from kiosk.outcome import Outcome
from kiosk.points.points import AdjustPoints, HoldAnswer, HoldPoints
from kiosk.points.points_service import adjust_points, hold_points, release_hold
from kiosk.sales.return_service import ReturnAnswer, ReturnQuoteAnswer, quote_return, take_back
from kiosk.sales.sale_service import complete_sale, quote_basket, void_sale
from kiosk.shifts.shift import MovementAnswer, ShiftReport
from kiosk.shifts.shift_service import close_shift, move_cash, open_shift, report_shift
from kiosk.shop import Caller, Shop
from loyalty.points_store import read_balance
from loyalty.transactions import Tx
from sync.facts.catalogue import ProductFact
from tests.kiosk.shopkit import NOW_MS, caller, device_of, new_id, open_shop, perform, prove_all

P = ParamSpec("P")
T = TypeVar("T")
Pairs = Sequence[tuple[str, int]]
Line = str | LineRequest
FLOAT = 10_000


def assert_holds(connection: Any) -> None:  # noqa: ANN401  pysqlite3 has no types
    """The proof, and what must be true of every shop at any moment.

    The journal replays into the same tables and caches, and every rule of kiosk.life.rules holds: of no sale more came
    back than was sold, paid or earned.
    """
    report = prove_all(connection)
    assert report.ok, report.first_wrong


def grant_redemption(tx: Tx, who: Caller, member: UUID) -> CheckedProof:
    """A manager's word that this member's points may be spent on the device of `who`, good for five minutes."""
    token = f"approval-{new_id()}"
    grant_approval(tx, token, "mia", "redeem", who.device, who.now_ms + 300_000)
    return CheckedProof("approval", member, token)


class Till:
    """One till with its caller. `another` is a second till of the same shop."""

    def __init__(self, connection: Any, shop: Shop, who: Caller) -> None:  # noqa: ANN401  pysqlite3 has no types
        self.connection = connection
        self.shop = shop
        self.who = who
        self.shift: UUID | None = None

    def another(self, till: str = "T02", role: str = "manager", float_minor: int = FLOAT) -> "Till":
        """Another till, its shift open."""
        other = Till(self.connection, self.shop, caller(role, till=till, at_ms=self.who.now_ms))
        other.open(float_minor)
        return other

    def do(self, service: Callable[Concatenate[Tx, Shop, Caller, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a service as this till's caller, a second later than the one before."""
        self.who = caller(self.who.role, till=self.who.till, at_ms=self.who.now_ms + 1000, operator=self.who.operator)
        return perform(self.connection, service, self.shop, self.who, *args, **kwargs)

    def open(self, float_minor: int = FLOAT) -> ShiftReport:
        """Open a shift; it is this till's `shift` from now on."""
        report = self.do(open_shift, OpenShift(id=new_id(), float_minor=float_minor)).answer
        self.shift = report.id
        return report

    def close(self, **counted: int) -> ShiftReport:
        """Close the shift with what was counted of each kind."""
        assert self.shift is not None
        return self.do(close_shift, self.shift, CloseShift(counted=counted)).answer

    def report(self, role: str = "manager") -> ShiftReport:
        """The X or Z of this till's shift as somebody of that role sees it."""
        assert self.shift is not None
        return report_shift(self.connection, self.shop, caller(role, till=self.who.till), self.shift)

    def move(self, kind: Any, amount_minor: int) -> MovementAnswer:  # noqa: ANN401  one of three words
        """Put cash in or take it out."""
        assert self.shift is not None
        command = MoveCash(id=new_id(), kind=kind, amount_minor=amount_minor, reason="change")
        return self.do(move_cash, self.shift, command).answer

    def send(self, command: CompleteSale) -> Outcome[SaleAnswer]:
        """Send a sale as it is."""
        return self.do(complete_sale, command)

    def sell(self, *lines: Line, tenders: Pairs = (("cash", 1_000_000),), **more: Any) -> SaleAnswer:  # noqa: ANN401
        """Sell one piece of each sku, or the lines as given."""
        return self.send(sale_of(*lines, tenders=tenders, **more)).answer

    def exchange(
        self,
        back: Sequence[tuple[SaleAnswer | str, int, int]],
        *lines: Line,
        tenders: Pairs = (),
        refunds: Pairs = (),
        **more: Any,  # noqa: ANN401
    ) -> SaleAnswer:
        """Take back (sale, line, quantity_milli) and sell `lines`, settled net."""
        return self.sell(*lines, tenders=tenders, returns=_exchange_lines(back), refunds=_refunds(refunds), **more)

    def quote(
        self,
        *lines: Line,
        back: Sequence[tuple[SaleAnswer | str, int, int]] = (),
        **more: Any,  # noqa: ANN401
    ) -> QuoteAnswer:
        """Price a basket; with (sale, line, quantity_milli) coming back, an exchange."""
        command = QuoteBasket(lines=_lines(lines), returns=_exchange_lines(back), **more)
        return quote_basket(self.connection, self.shop, self.who, command)

    def void(self, sold: SaleAnswer, reason: str = "void") -> Outcome[SaleAnswer]:
        """Undo a sale."""
        return self.do(void_sale, sold.id, VoidSale(reason=reason))

    def quote_return(self, sold: SaleAnswer, lines: Pairs | Sequence[tuple[int, int]]) -> ReturnQuoteAnswer:
        """What a return would give back."""
        command = QuoteReturn(sale=str(sold.id), lines=_return_lines(lines))
        return quote_return(self.connection, self.shop, self.who, command)

    def return_outcome(
        self,
        sold: SaleAnswer | str,
        lines: Sequence[tuple[int, int]],
        refunds: Pairs,
        **more: Any,  # noqa: ANN401
    ) -> Outcome[ReturnAnswer]:
        """Take (line, quantity_milli) back."""
        fields = {"id": new_id(), "reason": "did not fit", **more}
        sale = sold if isinstance(sold, str) else str(sold.id)
        command = TakeBack(sale=sale, lines=_return_lines(lines), refunds=_refunds(refunds), **fields)
        return self.do(take_back, command)

    def take_back(
        self,
        sold: SaleAnswer | str,
        lines: Sequence[tuple[int, int]],
        refunds: Pairs,
        **more: Any,  # noqa: ANN401
    ) -> ReturnAnswer:
        """Take (line, quantity_milli) back; the answer."""
        return self.return_outcome(sold, lines, refunds, **more).answer

    def approve(self, purpose: str) -> str:
        """A manager's approval, given on this till for the next five minutes."""
        token = f"approval-{new_id()}"
        expires_at = self.who.now_ms + 300_000
        perform(
            self.connection,
            lambda tx, _shop, who: grant_approval(tx, token, "mia", purpose, device_of(_DEVICES[who.role]), expires_at),
            self.shop,
            self.who,
        )
        return token

    def enrol(self, name: str = "Anna", phone: str | None = None, locale: str = "en") -> UUID:
        """A new member."""
        random = new_id().bytes * 4
        command = EnrolMember(id=new_id(), name=name, phone=phone, locale=locale)
        return self.do(enrol_member, command, random[:ENROL_RANDOM_BYTES]).answer.id

    def adjust(self, member: UUID, points: int) -> None:
        """Give or take points by hand, as if they had been spent elsewhere. A manager does it, on this till."""
        self.who = caller(self.who.role, till=self.who.till, at_ms=self.who.now_ms + 1000, operator=self.who.operator)
        manager = caller("manager", till=self.who.till, at_ms=self.who.now_ms)
        command = AdjustPoints(id=new_id(), points=points, reason="spent elsewhere")
        perform(self.connection, adjust_points, self.shop, manager, member, command)

    def hold(self, member: UUID, points: int) -> UUID:
        """Set points aside for this till; a manager vouches for the member."""
        return self.hold_outcome(HoldPoints(id=new_id(), member=member, points=points)).answer.id

    def hold_outcome(self, command: HoldPoints) -> Outcome[HoldAnswer]:
        """Send a hold, proved by a manager's approval."""
        proof = CheckedProof("approval", command.member, self.approve("redeem"))
        return self.do(hold_points, command, proof)

    def release(self, hold: UUID) -> HoldAnswer:
        """Let points go."""
        return self.do(release_hold, hold).answer

    def pay(
        self,
        *lines: Line,
        member: UUID,
        points: int,
        hold: UUID | None = None,
        cash: int = 1_000_000,
        **more: Any,  # noqa: ANN401
    ) -> SaleAnswer:
        """Sell, points worth `points` minor units of it paid with a hold, the rest in cash."""
        held = hold or self.hold(member, points)
        tenders = [TenderRequest(kind="points", amount_minor=points, hold=held)]
        tenders += [TenderRequest(kind="cash", amount_minor=cash)] if cash else []
        return self.send(sale_of(*lines, **{"member": member, **more, "paid": tuple(tenders)})).answer

    def ledger(self, member: UUID) -> list[tuple[str, int]]:
        """The postings of a member, (kind, points), oldest first."""
        return self.rows("SELECT kind, points FROM posting WHERE member = ? ORDER BY seq, n", member.bytes)

    def wait(self, days: float = 0, minutes: float = 0) -> None:
        """Let time pass for this till, or go back if negative."""
        later = self.who.now_ms + int((days * 1440 + minutes) * 60_000)
        self.who = caller(self.who.role, till=self.who.till, at_ms=later, operator=self.who.operator)

    def points(self, member: UUID) -> BalanceAnswer:
        """A member's points."""
        return render_balance(read_balance(self.connection, member, self.who.now_ms))

    def stock(self, sku: str) -> int:
        """What should lie on the shelf, in thousandths."""
        row = self.connection.execute("SELECT quantity_milli FROM stock_level WHERE sku = ?", (sku,)).fetchone()
        return int(row[0]) if row else 0

    def rows(self, select: str, *parameters: object) -> list[tuple[Any, ...]]:
        """What a table holds."""
        return list(self.connection.execute(select, parameters).fetchall())

    def entries(self) -> int:
        """How many facts there are."""
        return int(self.rows("SELECT count(*) FROM journal")[0][0])


_DEVICES = {"cashier": "T01", "manager": "T02"}


def sale_of(*lines: Line, tenders: Pairs = (), **more: Any) -> CompleteSale:  # noqa: ANN401
    """A sale of one piece of each sku, or of the lines as given."""
    paid = more.pop("paid", tuple(TenderRequest(kind=kind, amount_minor=amount) for kind, amount in tenders))
    return CompleteSale(**{"id": new_id(), "lines": _lines(lines), "tenders": paid, **more})


def _lines(lines: Sequence[Line]) -> tuple[LineRequest, ...]:
    return tuple(LineRequest(sku=each) if isinstance(each, str) else each for each in lines)


def _exchange_lines(back: Sequence[tuple[SaleAnswer | str, int, int]]) -> tuple[ExchangeLine, ...]:
    names = [sold if isinstance(sold, str) else str(sold.id) for sold, _, _ in back]
    return tuple(
        ExchangeLine(sale=name, line=line, quantity_milli=quantity)
        for name, (_, line, quantity) in zip(names, back, strict=True)
    )


def _refunds(refunds: Pairs) -> tuple[RefundRequest, ...]:
    return tuple(RefundRequest(kind, amount) for kind, amount in refunds)


def _return_lines(lines: Sequence[tuple[Any, int]]) -> tuple[ReturnLine, ...]:
    return tuple(ReturnLine(line=line, quantity_milli=quantity) for line, quantity in lines)


def product(sku: str, price_minor: int, tax_class: str = "standard", **more: Any) -> ProductFact:  # noqa: ANN401
    """An article of that price."""
    fields = {"name": f"Product {sku}", "department": "OTHER"}
    return ProductFact(**{"sku": sku, "price_minor": price_minor, "tax_class": tax_class, **fields, **more})


@contextlib.contextmanager
def open_till(folder: Path, *, shift: bool = True, **sections: Mapping[str, object]) -> Iterator[Till]:
    """The till T01 of a new shop, its shift open unless said otherwise."""
    connection, shop = open_shop(folder, **sections)
    till = Till(connection, shop, caller(at_ms=NOW_MS))
    try:
        if shift:
            till.open()
        yield till
    finally:
        connection.close()
