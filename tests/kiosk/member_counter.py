"""A shop with members who prove themselves, for tests: a clock that is set, phones that show codes, tills and a kiosk.

counter = MemberCounter(tmp_path)
anna = counter.enrol("Anna Kowalska", "600 100 200")
phone = counter.set_up_code(anna)
counter.prove(anna, counter.show(anna, phone))
"""

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, Concatenate, ParamSpec, TypeVar
from uuid import UUID

import msgspec

from kiosk.identity.factor_service import set_pin, set_up_code
from kiosk.identity.people_service import PinLimits
from kiosk.identity.proofs import CheckedProof, Proof, read_proof
from kiosk.identity.second_factor import accept_pin, begin_proof, prove_member
from kiosk.members.member_profile import PROFILE_RANDOM_BYTES
from kiosk.members.member_records import MergeMembers, ReplaceCard
from kiosk.members.member_service import ENROL_RANDOM_BYTES, change_member, enrol_member, erase_member
from kiosk.members.member_views import show_member
from kiosk.members.members import (
    ChangeMember,
    ConsentRequest,
    EnrolMember,
    EraseMember,
    MemberAnswer,
    SavedMember,
    tag_of,
)
from kiosk.members.merge_service import CARD_RANDOM_BYTES, merge_members, replace_card
from kiosk.outcome import Outcome
from kiosk.points.points import AdjustPoints
from kiosk.points.points_service import adjust_points
from kiosk.points.points_views import show_points
from kiosk.shop import Caller, Shop
from loyalty.ids import uuid7
from loyalty.one_time_codes import SECRET_BYTES
from loyalty.transactions import Tx
from tests.kiosk.shopkit import NOW_MS, caller, open_shop, perform, prove_all
from tests.phone import make_rotating

P = ParamSpec("P")
T = TypeVar("T")
LIMITS = PinLimits(attempts=3, lock_minutes=5)
HASH_OF_4711 = "argon2 of 4711"


class MemberCounter:
    """Services called one transaction each; every call takes a millisecond of the shop's own clock."""

    def __init__(self, folder: Path, **sections: dict[str, object]) -> None:
        self.connection, self.shop = open_shop(folder, **sections)
        self.now_ms = NOW_MS
        self._random = Random(1)

    def who(self, role: str = "cashier", till: str | None = None) -> Caller:
        """Somebody who calls now; `till` names another device."""
        found = caller(role, till=till, at_ms=self.now_ms)
        return found if till is None else msgspec.structs.replace(found, device=caller(role_of(till)).device)

    def do(self, service: Callable[Concatenate[Tx, Shop, Caller, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a service as the cashier."""
        return self.do_as(self.who(), service, *args, **kwargs)

    def do_as(
        self, who: Caller, service: Callable[Concatenate[Tx, Shop, Caller, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a service as somebody."""
        self.now_ms += 1
        return perform(self.connection, service, self.shop, who, *args, **kwargs)

    def draw(self, length: int) -> bytes:
        """What the edge would draw."""
        return self._random.randbytes(length)

    def id(self) -> UUID:
        """An id nobody used."""
        return uuid7(self.now_ms, self.draw(10))

    def enrol(self, name: str = "Anna Kowalska", phone: str | None = "600 100 200", **more: Any) -> UUID:  # noqa: ANN401
        """A new member, enrolled at the cashier's till."""
        consents = (ConsentRequest("sms", "marketing", granted=True),)
        command = EnrolMember(
            **{"id": self.id(), "locale": "pl", "name": name, "phone": phone, "consents": consents, **more}
        )
        self.do(enrol_member, command, self.draw(ENROL_RANDOM_BYTES))
        return command.id

    def look(self, member: UUID) -> MemberAnswer:
        """The member as staff see it."""
        return self.do(show_member, member)

    def set_up_code(self, member: UUID, who: Caller | None = None, proof: CheckedProof | None = None) -> bytes:
        """The secret that is in the member's phone from now on."""
        secret = self.draw(SECRET_BYTES)
        self.do_as(who or self.who("manager"), set_up_code, member, secret, proof, self.draw(PROFILE_RANDOM_BYTES))
        return secret

    def set_pin(
        self, member: UUID, pin_hash: str = HASH_OF_4711, who: Caller | None = None, proof: CheckedProof | None = None
    ) -> None:
        """Set a PIN by its hash."""
        self.do_as(who or self.who("manager"), set_pin, member, pin_hash, proof, self.draw(PROFILE_RANDOM_BYTES))

    def show(self, member: UUID, secret: bytes, *, after_ms: int = 0) -> str:
        """What the member's phone shows now, or so much later."""
        token = self.look(member).token
        assert token is not None
        return make_rotating(token, secret, self.now_ms + after_ms)

    def check(self, member: UUID, proof: Proof | str, who: Caller | None = None, pin: str = "4711") -> CheckedProof:
        """What the edge does before the transaction: count, and compare a PIN (which is right if it is `pin`)."""
        who = who or self.who()
        shown = read_proof(proof)
        checked = self.do_as(who, begin_proof, member, shown, LIMITS)
        if checked.kind == "pin" and checked.problem is None:
            checked = self.do_as(who, accept_pin, member, checked, is_right=shown.value == pin)
        return checked

    def prove(self, member: UUID, proof: Proof | str, points: int = 100, who: Caller | None = None) -> str:
        """Both steps, as when points are held."""
        who = who or self.who()
        return self.do_as(who, prove_member, member, self.check(member, proof, who), points)

    def merge(self, absorbed: UUID, into: UUID) -> UUID:
        """Make one an alias of the other; the id of the merge."""
        command = MergeMembers(id=self.id(), absorbed=absorbed, into=into, reason="same person")
        self.do_as(self.who("manager"), merge_members, command)
        return command.id

    def change(self, member: UUID, **fields: Any) -> SavedMember:  # noqa: ANN401
        """Change a member on its present version."""
        tag = tag_of(self.look(member))
        return self.do(change_member, member, ChangeMember(**fields), tag, self.draw(PROFILE_RANDOM_BYTES))

    def replace_card(self, member: UUID, lost: str, card: str | None = None) -> Outcome[MemberAnswer]:
        """Replace a lost card."""
        command = ReplaceCard(lost=lost, card=card)
        return self.do(replace_card, member, command, self.draw(CARD_RANDOM_BYTES), self.draw(PROFILE_RANDOM_BYTES))

    def give(self, member: UUID, points: int) -> None:
        """Give points by hand."""
        command = AdjustPoints(id=self.id(), points=points, reason="by hand")
        self.do_as(self.who("manager"), adjust_points, member, command)

    def active(self, member: UUID) -> int:
        """The points a member can spend; below zero is owed."""
        points = self.do(show_points, member)
        return points.active - points.debt

    def erase(self, member: UUID) -> None:
        """Forget a member."""
        self.do_as(self.who("manager"), erase_member, member, EraseMember(reason="asked for it"))

    def rows(self, select: str, *parameters: object) -> list[tuple[Any, ...]]:
        """What a table holds."""
        return list(self.connection.execute(select, parameters).fetchall())

    def assert_proved(self) -> None:
        """verify finds nothing."""
        report = prove_all(self.connection)
        assert report.ok, report.first_wrong


def role_of(till: str) -> str:
    """Who stands at a till of shopkit."""
    return {"T01": "cashier", "T02": "manager", "K01": "kiosk"}[till]
