"""Everything that can go wrong is a class a cashier could read, with a code, a hint and a status of its own."""

import importlib
import re
from collections.abc import Iterator, Sequence

import pytest

from loyalty.errors import Problem
from printers.errors import PrinterProblem
from tests.tidy.sources import PACKAGES, production


def error_classes() -> Sequence[type]:
    """Both trees with all their branches, wherever in production code they grow."""
    for module in production():
        if module.file_name != "__main__.py":
            importlib.import_module(module.name)
    return [found for root in (Problem, PrinterProblem) for found in tree_of(root)]


def tree_of(root: type) -> Iterator[type]:
    """The class and everything below it, each once; what tests add to the tree is not ours."""
    seen = {}
    waiting = [root]
    while waiting:
        found = waiting.pop()
        waiting += found.__subclasses__()
        seen[found] = found.__module__.partition(".")[0] in PACKAGES
    return iter([found for found, is_ours in seen.items() if is_ours])


def faults_of(classes: Sequence[type]) -> list[str]:
    faults = []
    codes: dict[object, type] = {}
    for found in classes:
        name = f"{found.__module__}.{found.__qualname__}"
        code, hint, status = (getattr(found, attribute, None) for attribute in ("code", "hint", "status"))
        first_line = (found.__doc__ or "").strip().partition("\n")[0]
        if not first_line.endswith((".", "?", "!")):
            faults.append(f"{name}: the first line of its docstring is no sentence: {first_line!r}")
        if not isinstance(code, str) or not re.fullmatch(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*", code):
            faults.append(f"{name}: its code is {code!r}")
        if not isinstance(hint, str) or not hint.strip():
            faults.append(f"{name}: it has no hint")
        if not isinstance(status, int) or not 400 <= status <= 599:
            faults.append(f"{name}: its status is {status!r}")
        if code in codes:
            other = codes[code]
            faults.append(f"{name}: its code {code!r} is that of {other.__module__}.{other.__qualname__}")
        codes[code] = found
    return faults


def test_every_error_class_can_be_read_by_a_cashier_and_by_a_program() -> None:
    assert faults_of(error_classes()) == []


def test_both_trees_have_branches() -> None:
    assert len(list(tree_of(Problem))) > 5
    assert len(list(tree_of(PrinterProblem))) > 1


class Lost:
    """The receipt cannot be found."""

    code, hint, status = "lost", "Look under the counter.", 404


def test_a_sound_error_class_passes() -> None:
    assert faults_of([Lost]) == []


@pytest.mark.parametrize(
    "changed",
    [
        {"__doc__": None},
        {"__doc__": "No full stop"},
        {"__doc__": "A sentence that only ends\nin the second line."},
        {"code": ""},
        {"code": "Lost Receipt"},
        {"hint": " "},
        {"status": 200},
        {"status": None},
    ],
)
def test_an_unreadable_error_class_is_caught(changed: dict[str, object]) -> None:
    sound = {"__doc__": Lost.__doc__, "code": "strayed", "hint": Lost.hint, "status": Lost.status}
    assert len(faults_of([Lost, type("Strayed", (), sound | changed)])) == 1


def test_a_code_that_is_inherited_or_taken_is_caught() -> None:
    heir = type("Heir", (Lost,), {"__doc__": "The heir did not get a code."})
    assert len(faults_of([Lost, heir])) == 1
