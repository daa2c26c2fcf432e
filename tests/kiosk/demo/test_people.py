"""pure: the invented people of the demonstration: everybody another name and phone, the same ones each time."""

from kiosk.demo.people import name_members

HOUSEHOLDS = [str(number) for number in range(100)]


def test_a_hundred_members_have_a_hundred_names_and_phones_in_four_languages() -> None:
    members = name_members(HOUSEHOLDS)
    assert [member.household for member in members] == HOUSEHOLDS
    assert len({member.name for member in members}) == len({member.phone for member in members}) == 100
    assert {member.locale for member in members[:4]} == {"en", "ko", "ja", "pl"}
    assert not any(character.isdigit() for member in members for character in member.name)


def test_the_same_household_is_the_same_person_in_every_demonstration() -> None:
    assert name_members(HOUSEHOLDS[:10]) == name_members(HOUSEHOLDS)[:10]
