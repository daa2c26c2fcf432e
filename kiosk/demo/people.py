"""pure: the people of the demonstration store. Invented names, and phone numbers out of one made-up block."""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

Language = Literal["en", "ko", "ja", "pl"]


class DemoOperator(Struct, frozen=True):
    """Somebody who works in the demonstration store."""

    id: str
    name: str
    pin: str


class DemoMember(Struct, frozen=True, kw_only=True):
    """A household of the data as a member."""

    household: str
    name: str
    phone: str
    locale: Language


MANAGER = DemoOperator("ada", "Ada", "2580")
CASHIER = DemoOperator("max", "Max", "1470")
MEMBER_PIN = "3690"

_NAMES: tuple[tuple[str, Language], ...] = (
    ("Anna Zielińska", "pl"),
    ("김민준", "ko"),
    ("佐藤 葵", "ja"),
    ("Grace Miller", "en"),
    ("Żaneta Gęś", "pl"),
    ("이서연", "ko"),
    ("髙橋 蓮", "ja"),
    ("Oliver Brown", "en"),
    ("Łukasz Wójcik", "pl"),
    ("박지훈", "ko"),
    ("鈴木 陽菜", "ja"),
    ("Emily Davis", "en"),
)


def name_members(households: Sequence[str]) -> list[DemoMember]:
    """A member for every household, the same ones each time."""
    members = []
    for index, household in enumerate(households):
        name, locale = _NAMES[index % len(_NAMES)]
        turn = index // len(_NAMES)
        members.append(
            DemoMember(
                household=household,
                name=f"{name} {turn + 1}" if turn else name,
                phone=f"+48500{index:06d}",
                locale=locale,
            )
        )
    return members
