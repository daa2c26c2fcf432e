"""What README.md and docs/ promise exists, and what exists is in them."""

import importlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import pytest

from tests.tidy.sources import ROOT

CODE = re.compile(r"^(```|~~~).*?^\1[^\n]*$|`[^`\n]*`", re.MULTILINE | re.DOTALL)
INLINE_LINK = re.compile(r"\[(?:[^\[\]]|\[[^\]]*\])*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
REFERENCE_LINK = re.compile(r"^\s*\[[^\]]+\]:\s*(\S+)", re.MULTILINE)
HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$", re.MULTILINE)
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def pages() -> Sequence[Path]:
    """README.md and everything written in docs/."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def links_of(text: str) -> Iterator[str]:
    """The targets of all links and pictures outside of code."""
    prose = CODE.sub("", text)
    yield from INLINE_LINK.findall(prose)
    yield from REFERENCE_LINK.findall(prose)


def anchors_of(text: str) -> set[str]:
    """What the headings of a page are called in a link, as forges do it: small letters, hyphens, no punctuation."""
    anchors: set[str] = set()
    fences = re.compile(r"^(```|~~~).*?^\1[^\n]*$", re.MULTILINE | re.DOTALL)
    for heading in HEADING.findall(fences.sub("", text)):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
        anchor = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        count = 0
        while (numbered := f"{anchor}-{count}" if count else anchor) in anchors:
            count += 1
        anchors.add(numbered)
    return anchors


def broken_links(page: Path) -> list[str]:
    """Links to files and headings of the repository that are not there. What is elsewhere is not asked for."""
    broken = []
    for link in links_of(page.read_text(encoding="utf-8")):
        if ELSEWHERE.match(link) or link.startswith("//"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists():
            broken.append(f"{page.name}: {link} does not exist")
        elif anchor and target.suffix == ".md" and anchor not in anchors_of(target.read_text(encoding="utf-8")):
            broken.append(f"{page.name}: {link} names no heading of {target.name}")
    return broken


def command_names(command: click.Command, prefix: str) -> Iterator[str]:
    """`counterfoil demo`, `counterfoil verify`, … as a person types them; what is hidden is not for persons."""
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            if not inner.hidden:
                yield from command_names(inner, f"{prefix} {name}")
    else:
        yield prefix


def undocumented(command: click.Command, text: str) -> list[str]:
    names = command_names(command, "counterfoil")
    return [f"{name} is documented nowhere" for name in names if not re.search(rf"(?<!\w){name}(?![\w-])", text)]


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    assert broken_links(page) == []


def test_every_command_is_documented() -> None:
    command_line = importlib.import_module("kiosk.cli").main
    assert isinstance(command_line, click.Command)
    assert undocumented(command_line, "\n".join(page.read_text(encoding="utf-8") for page in pages())) == []


@pytest.mark.parametrize(
    "text",
    [
        "[a](missing.md)",
        "![a](pictures/missing.png)",
        "[a](other.md#nowhere)",
        "[a](#nowhere)",
        "[a]: missing.md",
        "[the `code`](missing.md)",
        "[![badge](other.md)](missing.md)",
        '[a](missing.md "title")',
    ],
)
def test_a_link_that_leads_nowhere_is_caught(tmp_path: Path, text: str) -> None:
    (tmp_path / "other.md").write_text("# Other\n")
    page = tmp_path / "page.md"
    page.write_text(f"# Page\n{text}\n")
    assert len(broken_links(page)) == 1


def test_a_link_that_leads_somewhere_passes(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("# The `sale`, twice\n## Twice\n## Twice\n")
    page = tmp_path / "page.md"
    page.write_text(
        "# Page\n[a](other.md) [b](other.md#the-sale-twice) [c](other.md#twice-1) [d](#page) [e](https://a.example/b)\n"
        "```\n[not](a-link.md)\n```\n`[nor](this.md)`\n"
    )
    assert broken_links(page) == []


def test_an_undocumented_command_is_caught() -> None:
    group = click.Group(
        "counterfoil",
        commands={
            "verify": click.Command("verify"),
            "verify-all": click.Command("verify-all"),
            "helper": click.Command("helper", hidden=True),
            "print": click.Group("print", commands={"test": click.Command("test")}),
        },
    )
    assert undocumented(group, "`counterfoil verify-all` and `counterfoil print test`") == [
        "counterfoil verify is documented nowhere"
    ]
    assert len(undocumented(group, "counterfoil print")) == 3
