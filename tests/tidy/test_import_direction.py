"""Four packages, one direction: kiosk -> sync -> loyalty, and only kiosk and sync.hub know printers."""

from collections.abc import Sequence

import pytest

from tests.tidy.sources import PACKAGES, Module, imports_of, planted, production

# The longest prefix that fits a module's name says what it may import beside its own package.
MAY_IMPORT = {
    "loyalty": (),
    "printers": (),
    "sync": ("loyalty",),
    "sync.hub": ("loyalty", "printers"),
    "kiosk": ("loyalty", "printers", "sync"),
}


def is_inside(name: str, package: str) -> bool:
    return f"{name}.".startswith(f"{package}.")


def layer_of(module: Module) -> str:
    return max((layer for layer in MAY_IMPORT if is_inside(module.name, layer)), key=len)


def wrong_arrows(modules: Sequence[Module]) -> list[str]:
    breaches = []
    for module in modules:
        allowed = {module.package, *MAY_IMPORT[layer_of(module)]}
        for imported in imports_of(module):
            package = imported.target.partition(".")[0]
            if package == "tests" or (package in PACKAGES and package not in allowed):
                breaches.append(f"{module.at(imported.node)} {layer_of(module)} may not import {imported.module}")
    return breaches


def test_imports_point_in_one_direction() -> None:
    assert wrong_arrows(production()) == []


def test_every_package_has_modules_to_look_at() -> None:
    assert {module.package for module in production()} == set(PACKAGES)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("loyalty/money.py", "import sync.journal"),
        ("loyalty/money.py", "from printers import layout"),
        ("printers/spool.py", "from loyalty.transactions import Tx"),
        ("sync/journal.py", "import kiosk"),
        ("sync/agent.py", "def run():\n    from printers.spool import submit"),
        ("sync/hubs.py", "import printers"),
        ("sync/db.py", "import importlib\nimportlib.import_module('kiosk.config')"),
        ("kiosk/web/till.py", "from tests.builders import sale"),
    ],
)
def test_an_arrow_the_other_way_is_caught(path: str, text: str) -> None:
    assert len(wrong_arrows([planted(path, text)])) == 1


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("sync/hub/app.py", "from printers.spool import submit\nfrom .. import journal\nfrom ..db import Database"),
        ("kiosk/compose.py", "import loyalty.money, printers.spool, sync.db"),
        ("loyalty/money.py", "import kiosks, printerslike\nfrom loyalty import errors"),
    ],
)
def test_an_arrow_inward_passes(path: str, text: str) -> None:
    assert wrong_arrows([planted(path, text)]) == []
