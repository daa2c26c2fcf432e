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

# Polish family names that are the same for everybody; each list is as long as the others.
_NAMES: tuple[tuple[Language, str, str, str], ...] = (
    (
        "pl",
        "{given} {family}",
        "Anna Żaneta Łukasz Zofia Michał Świetlana Krzysztof Małgorzata",
        "Nowak Gęś Wójcik Mazur",
    ),
    ("ko", "{family}{given}", "민준 서연 지훈 하은 도윤 서준 지우 수아", "김 이 박 최"),
    ("ja", "{family} {given}", "葵 蓮 陽菜 結衣 大翔 美咲 翔太 さくら", "佐藤 髙橋 鈴木 田中"),
    ("en", "{given} {family}", "Grace Oliver Emily Jack Amelia Harry Isla George", "Miller Brown Davis Taylor"),
)


def name_members(households: Sequence[str]) -> list[DemoMember]:
    """A member for every household, the same ones each time; a name comes up again only when all have."""
    return [_name_member(index, household) for index, household in enumerate(households)]


def _name_member(index: int, household: str) -> DemoMember:
    turn, language = divmod(index, len(_NAMES))
    locale, pattern, given_names, family_names = _NAMES[language]
    given, family = given_names.split(), family_names.split()
    turn, first = divmod(turn, len(given))
    last = (first + turn) % len(family)
    name = pattern.format(given=given[first], family=family[last])
    return DemoMember(household=household, name=name, phone=f"+48500{index:06d}", locale=locale)
