"""config.toml is the documentation of the configuration: every key explained, known to Config, and read by somebody."""

import ast
import re
import tomllib
import typing
from collections.abc import Iterator, Mapping, Sequence

import msgspec
import pytest

from kiosk.config import Config
from tests.tidy.sources import ROOT, Module, planted, production

KeyPath = tuple[str, ...]
Structure = type[msgspec.Struct]
KEY = re.compile(r"(?P<shown>#\s?)?(?P<key>[A-Za-z0-9_-]+)\s*=\s*\S")
SECTION = re.compile(r"\[+\s*([^\]]+?)\s*\]+")
STRINGS = re.compile(r'"(?:\\.|[^"\\])*"|' + r"'[^']*'")
# Where the file lies, not what is in it.
NOT_IN_THE_FILE = {"folder", "file"}


class Line(typing.NamedTuple):
    """A key as it stands in the file, with the comment beside it and in the lines right above. `shown` is True of a key
    that is commented out, because it has no default."""

    number: int
    path: KeyPath
    comment: str
    shown: bool


def lines_of(text: str) -> Iterator[Line]:
    section: KeyPath = ()
    above: list[str] = []
    inside_list = 0
    for number, line in enumerate(text.splitlines(), 1):
        content, _, comment = STRINGS.sub('""', line).partition("#")
        header = SECTION.fullmatch(content.strip())
        key = KEY.match(line.strip())
        if inside_list == 0 and header:
            section = tuple(header[1].split("."))
        elif inside_list == 0 and key:
            beside = [comment.strip()] if key["shown"] is None and comment.strip() else []
            yield Line(number, (*section, key["key"]), " ".join([*above, *beside]), key["shown"] is not None)
        if key and key["shown"]:
            continue
        if not header:
            inside_list += content.count("[") - content.count("]")
        above = [*above, comment.strip()] if comment and not content.strip() else []


def without_comment(text: str) -> list[str]:
    return [
        f"config.toml:{line.number} {'.'.join(line.path)} has no comment" for line in lines_of(text) if not line.comment
    ]


def structure_in(annotation: object) -> Structure | None:
    """The struct that a field is, or that its list holds."""
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return annotation
    return next(filter(None, map(structure_in, typing.get_args(annotation))), None)


def is_list(annotation: object) -> bool:
    return typing.get_origin(annotation) in (tuple, list)


def fields_of(structure: Structure, prefix: KeyPath = ()) -> Iterator[tuple[KeyPath, Structure | None]]:
    """Every key a file may hold. A list of tables is one key, with the struct of its rows."""
    for field in msgspec.structs.fields(structure):
        path = (*prefix, field.encode_name)
        inner = structure_in(field.type)
        if field.name in NOT_IN_THE_FILE:
            continue
        if inner is None or is_list(field.type):
            yield path, inner
        else:
            yield from fields_of(inner, path)


def differences(text: str, config: Structure) -> list[str]:
    """Keys that Config does not have, and fields that the file does not show."""
    fields = dict(fields_of(config))
    lines = {line.path: line for line in lines_of(text)}
    found = [f"config.toml:{lines[path].number} Config has no {'.'.join(path)}" for path in lines if path not in fields]
    found += [f"config.toml does not show {'.'.join(path)}" for path in fields if path not in lines]
    for path, row in fields.items():
        if row is not None and path in lines:
            found += row_differences(text, lines[path], row)
    return found


def row_differences(text: str, line: Line, row: Structure) -> list[str]:
    """The same for the rows of a list of tables: a field is shown by one of the rows or named in the comment."""
    rows = rows_at(tomllib.loads(text), line.path)
    names = {field.encode_name for field in msgspec.structs.fields(row)}
    written = {name for item in rows for name in item}
    named = set(re.findall(r"\w+", line.comment))
    name = f"{'.'.join(line.path)}[]"
    unknown = [f"config.toml:{line.number} Config has no {name}.{key}" for key in sorted(written - names)]
    return unknown + [f"config.toml does not show {name}.{key}" for key in sorted(names - written - named)]


def rows_at(tree: Mapping[str, typing.Any], path: KeyPath) -> Sequence[Mapping[str, object]]:
    """The list of tables under a key; empty where the key is only shown."""
    for section in path[:-1]:
        tree = tree.get(section, {})
    rows: Sequence[Mapping[str, object]] = tree.get(path[-1], [])
    return rows


def attribute_names(structure: Structure) -> set[str]:
    """The Python names of all fields, those of sections and rows included."""
    names = set()
    for field in msgspec.structs.fields(structure):
        inner = structure_in(field.type)
        names |= {field.name} | (attribute_names(inner) if inner else set())
    return names - NOT_IN_THE_FILE


def unread(config: Structure, modules: Sequence[Module]) -> list[str]:
    """Fields that no production module outside kiosk/config.py reads."""
    read = {
        node.attr
        for module in modules
        if module.path != "kiosk/config.py"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
    }
    return [f"nobody reads the setting {name}" for name in sorted(attribute_names(config) - read)]


def config_text() -> str:
    return (ROOT / "config.toml").read_text(encoding="utf-8")


def test_every_key_of_config_has_a_comment() -> None:
    assert without_comment(config_text()) == []


def test_config_and_its_file_have_the_same_keys() -> None:
    assert differences(config_text(), Config) == []


def test_every_setting_is_read_somewhere() -> None:
    assert unread(Config, production()) == []


def test_this_reader_of_keys_sees_what_toml_sees() -> None:
    def leaves(tree: Mapping[str, typing.Any], prefix: KeyPath = ()) -> Iterator[KeyPath]:
        for name, value in tree.items():
            if isinstance(value, dict):
                yield from leaves(value, (*prefix, name))
            else:
                yield (*prefix, name)

    for text in (config_text(), EXAMPLE):
        seen = [line.path for line in lines_of(text) if not line.shown]
        assert seen == list(leaves(tomllib.loads(text)))


EXAMPLE = """\
# Our shop.

# What the shop is called.
name = "Corner # 1"
hosts = [  # Names it answers to.
    "a = 1",
]

[printer]
address = "virtual"  # Where it stands.
# Printed under each receipt; nothing unless set.
# footer = "Thank you"

[tax]
# Since is the first day.
rates = [
    { class = "food", rate = "5" },
    { class = "books", rate = "5", since = "2026-01-01" },
]
"""


class Printer(msgspec.Struct):
    address: str
    footer: str | None = None


class Rate(msgspec.Struct, rename={"tax_class": "class"}):
    tax_class: str
    rate: str
    since: str | None = None


class Tax(msgspec.Struct):
    rates: tuple[Rate, ...]


class Example(msgspec.Struct):
    name: str
    hosts: tuple[str, ...]
    printer: Printer
    tax: Tax
    folder: str = ""


def test_a_sound_file_passes() -> None:
    assert without_comment(EXAMPLE) == []
    assert differences(EXAMPLE, Example) == []


@pytest.mark.parametrize(
    ("comment", "key"),
    [
        ("# What the shop is called.\n", "name"),
        ("  # Where it stands.", "printer.address"),
        ("  # Names it answers to.", "hosts"),
        ("# Printed under each receipt; nothing unless set.\n", "printer.footer"),
        ("# Since is the first day.\n", "tax.rates"),
    ],
)
def test_a_key_without_a_comment_is_caught(comment: str, key: str) -> None:
    assert EXAMPLE.count(comment) == 1
    found = without_comment(EXAMPLE.replace(comment, ""))
    assert len(found) == 1
    assert f" {key} " in found[0]


@pytest.mark.parametrize(
    ("old", "new", "breaches"),
    [
        ('address = "virtual"', 'adress = "virtual"', 2),
        ('# footer = "Thank you"\n', "", 1),
        ("[printer]", "[printers]", 4),
        ("[printer]", "pace = 3  # Fast.\n[printer]", 1),
        ("class", "clazz", 2),
        (', since = "2026-01-01"', "", 1),
    ],
)
def test_a_key_that_config_does_not_know_is_caught(old: str, new: str, breaches: int) -> None:
    assert len(differences(EXAMPLE.replace(old, new), Example)) == breaches


def test_a_setting_that_nobody_reads_is_caught() -> None:
    reader = "def f(c):\n    return c.name, c.hosts, c.printer.address, c.tax.rates[0].tax_class, x.rate, x.since"
    assert unread(Example, [planted("kiosk/compose.py", reader)]) == ["nobody reads the setting footer"]
    assert unread(Example, [planted("kiosk/compose.py", f"{reader}, c.printer.footer")]) == []
    assert len(unread(Example, [planted("kiosk/config.py", reader)])) == 10
