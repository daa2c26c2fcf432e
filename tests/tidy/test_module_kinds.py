"""Every module is pure, sql or edge, says so first thing in its docstring, and keeps to it.

pure: values in, values out; no clock, I/O, logging, randomness or async; of ours it imports only pure modules.
sql:  takes an open transaction, never opens or ends one, never async; of ours it imports only pure and sql modules.
edge: sockets, files, threads, processes; the only kind that may be async.

A package's `__init__` that holds no code is nothing of the three. Package data read through importlib.resources (fonts,
printer profiles) is part of the program, like a table of Babel's, and no I/O in this sense.
"""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence

import pytest

from tests.tidy.sources import Import, Module, calls_of, imports_of, planted, production, texts_of

OUTSIDE_WORLD = {
    *("aiohttp", "asyncio", "concurrent", "ctypes", "fcntl", "getpass", "glob", "http.client", "http.server"),
    *("logging", "mmap", "multiprocessing", "os", "pathlib", "psycopg", "psycopg_pool", "pysqlite3", "queue"),
    *("random", "secrets", "select", "selectors", "serial", "shutil", "signal", "socket", "socketserver", "sqlite3"),
    *("sqlite_utils", "ssl", "subprocess", "sys", "tempfile", "threading", "time", "urllib.request", "zeroconf"),
}
# Parts of such modules that only compute.
ONLY_COMPUTES = {"io.BytesIO", "io.StringIO", "pathlib.PurePath", "pathlib.PurePosixPath", "sys.maxsize"}
CLOCKS = {"datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today"}
NOT_PURE_CALLS = {*CLOCKS, "open", "print", "input", "breakpoint", "uuid.uuid1", "uuid.uuid4", "io.open"}
MAY_IMPORT_KINDS = {"pure": {"pure"}, "sql": {"pure", "sql"}, "edge": {"pure", "sql", "edge"}}
TRANSACTION_WORDS = re.compile(r"\s*(BEGIN|COMMIT|ROLLBACK|END|SAVEPOINT|RELEASE|ATTACH|DETACH)\b(?! \w+ \w+ \w+)")
TRANSACTION_METHODS = {"commit", "rollback", "atomic"}


def holds_no_code(module: Module) -> bool:
    """True of an `__init__` with nothing but a docstring and plain values."""
    plain = (ast.Expr, ast.Assign, ast.AnnAssign)
    return module.is_package and all(isinstance(node, plain) for node in module.tree.body)


def without_a_kind(modules: Sequence[Module]) -> list[str]:
    return [
        f"{module.path} must start with pure:, sql: or edge: and say what it is"
        for module in modules
        if module.kind is None and not holds_no_code(module)
    ]


def impure(modules: Sequence[Module]) -> list[str]:
    """Where pure modules touch the world."""
    breaches = []
    for module in modules:
        if module.kind == "pure":
            reaching = [imported for imported in imports_of(module) if reaches_out(imported)]
            calling = [(call, name) for call, name in calls_of(module) if name in NOT_PURE_CALLS]
            breaches += [f"{module.at(imported.node)} pure may not import {imported.target}" for imported in reaching]
            breaches += [f"{module.at(call)} pure may not call {name}" for call, name in calling]
    return breaches


def reaches_out(imported: Import) -> bool:
    parts = imported.target.split(".")
    prefixes = {".".join(parts[: length + 1]) for length in range(len(parts))}
    return bool(prefixes & OUTSIDE_WORLD) and imported.target not in ONLY_COMPUTES


def async_below_edge(modules: Sequence[Module]) -> list[str]:
    waits = (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)
    return [
        f"{module.at(node)} {module.kind} may not be async"
        for module in modules
        if module.kind in ("pure", "sql")
        for node in ast.walk(module.tree)
        if isinstance(node, waits)
    ]


def own_transactions(modules: Sequence[Module]) -> list[str]:
    """Where sql modules begin or end a transaction, which belongs to their caller."""
    breaches = []
    for module in modules:
        if module.kind != "sql":
            continue
        for node, text in texts_of(module):
            if TRANSACTION_WORDS.match(text):
                breaches.append(f"{module.at(node)} sql may not say {text.split()[0]}")
        for call, name in calls_of(module):
            if name.rpartition(".")[2] in TRANSACTION_METHODS:
                breaches.append(f"{module.at(call)} sql may not call {name}")
    return breaches


def wrong_kind_imported(modules: Sequence[Module]) -> list[str]:
    by_name = {module.name: module for module in modules}
    return [
        f"{module.at(imported.node)} {module.kind} may not import {other.name}, which is {other.kind}"
        for module in modules
        if module.kind is not None
        for imported in imports_of(module)
        for other in ours(imported, by_name)
        if other.kind not in MAY_IMPORT_KINDS[module.kind]
    ]


def ours(imported: Import, by_name: Mapping[str, Module]) -> Iterator[Module]:
    """The module of ours that an import means: the thing itself if it is a module, else where it is taken from."""
    other = by_name.get(imported.target) or by_name.get(imported.module)
    if other is not None and not holds_no_code(other):
        yield other


@pytest.mark.parametrize("check", [without_a_kind, impure, async_below_edge, own_transactions, wrong_kind_imported])
def test_modules_keep_to_their_kind(check: object) -> None:
    assert callable(check)
    assert check(production()) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("loyalty/money.py", "x = 1"),
        ("loyalty/money.py", '"""Money, exactly."""'),
        ("loyalty/money.py", '"""cool: money."""'),
        ("sync/http/__init__.py", '"""The doors."""\nfrom sync.http.routes import Route'),
        ("sync/http/__init__.py", '"""The doors."""\ndef build(): return 1'),
    ],
)
def test_a_module_without_a_kind_is_caught(path: str, text: str) -> None:
    assert len(without_a_kind([planted(path, text)])) == 1


def test_a_package_that_holds_no_code_needs_no_kind() -> None:
    assert without_a_kind([planted("kiosk/__init__.py", '"""The shop."""\n__version__ = "1"')]) == []


@pytest.mark.parametrize(
    "text",
    [
        "import time",
        "import os.path",
        "from pathlib import Path",
        "from concurrent.futures import Future",
        "from http import client",
        "def f():\n    import logging",
        "from sqlite_utils.utils import sqlite3",
        "import datetime\nx = datetime.datetime.now()",
        "from datetime import datetime as clock, UTC\nx = clock.now(UTC)",
        "from datetime import date\nx = date.today()",
        "import uuid\nx = uuid.uuid4()",
        "with open('a') as f: pass",
        "import io\nf = io.open('a')",
        "print('hello')",
    ],
)
def test_a_pure_module_that_touches_the_world_is_caught(text: str) -> None:
    assert len(impure([planted("loyalty/money.py", f'"""pure: money."""\n{text}')])) == 1
    assert impure([planted("sync/db.py", f'"""edge: money."""\n{text}')]) == []


@pytest.mark.parametrize(
    "text",
    [
        "from io import BytesIO",
        "from pathlib import PurePosixPath",
        "import datetime\nx = datetime.datetime(2026, 11, 21)",
        "from importlib.resources import files",
        "from http import HTTPStatus",
        "import timeit_of_ours\nimport ossuary",
    ],
)
def test_a_pure_module_that_only_computes_passes(text: str) -> None:
    assert impure([planted("loyalty/money.py", f'"""pure: money."""\n{text}')]) == []


@pytest.mark.parametrize("kind", ["pure", "sql"])
@pytest.mark.parametrize("text", ["async def f(): pass", "async def f():\n    await g()"])
def test_async_below_edge_is_caught(kind: str, text: str) -> None:
    assert async_below_edge([planted("sync/journal.py", f'"""{kind}: x."""\n{text}')])
    assert async_below_edge([planted("sync/journal.py", f'"""edge: x."""\n{text}')]) == []


@pytest.mark.parametrize(
    "text",
    [
        "tx.execute('BEGIN IMMEDIATE')",
        "tx.execute('\\n  COMMIT')",
        "tx.execute(f'SAVEPOINT {name}')",
        "tx.execute('ROLLBACK TO ' + name)",
        "db.atomic()",
        "connection.commit()",
    ],
)
def test_a_transaction_of_its_own_is_caught(text: str) -> None:
    assert len(own_transactions([planted("sync/journal.py", f'"""sql: x."""\n{text}')])) == 1


def test_prose_about_transactions_passes() -> None:
    text = '"""sql: COMMIT is the caller\'s."""\ndef f(tx):\n    """BEGIN was said."""\n    tx.execute("SELECT 1")'
    assert own_transactions([planted("sync/journal.py", text)]) == []


@pytest.mark.parametrize(
    ("kind", "other", "text"),
    [
        ("pure", "sql", "from sync.journal import append"),
        ("pure", "edge", "from sync import journal"),
        ("sql", "edge", "import sync.journal"),
        ("pure", "edge", "from .journal import append"),
    ],
)
def test_an_import_of_a_wider_kind_is_caught(kind: str, other: str, text: str) -> None:
    modules = [
        planted("sync/__init__.py", '"""Facts."""'),
        planted("sync/journal.py", f'"""{other}: x."""'),
        planted("sync/chain.py", f'"""{kind}: x."""\n{text}'),
    ]
    assert len(wrong_kind_imported(modules)) == 1
    assert wrong_kind_imported([*modules[:2], planted("sync/chain.py", f'"""edge: x."""\n{text}')]) == []
