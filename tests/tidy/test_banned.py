"""What nobody may write in production code, because each of these has cost some shop money or a night."""

import ast
import re
from collections.abc import Iterator, Sequence

import pytest

from tests.tidy.sources import Module, calls_of, dotted, imports_of, planted, production, suite

EXACT = re.compile(r".*(_minor|_milli|\b(\w+_)?points)")
LEFT_OVERS = re.compile(r"\b(T[O]DO|F[I]XME|X[X]X)\b")
SQLITE_MODULES = {"sqlite3", "pysqlite3", "sqlite_utils"}
THE_ONE_SQLITE = "sqlite_utils.utils.sqlite3"


def is_command_line(module: Module) -> bool:
    return module.package == "kiosk" and module.file_name.startswith("cli")


def left_overs(modules: Sequence[Module]) -> list[str]:
    """Notes to oneself: what is not done belongs into an issue."""
    return [
        f"{module.path}:{number} says {found[0]}"
        for module in modules
        for number, line in enumerate(module.text.splitlines(), 1)
        for found in [LEFT_OVERS.search(line)]
        if found
    ]


def banned_calls(modules: Sequence[Module]) -> list[str]:
    return [
        f"{module.at(call)} {reason}"
        for module in modules
        for call, name in calls_of(module)
        for reason in reasons_against(module, call, name)
    ]


def reasons_against(module: Module, call: ast.Call, name: str) -> Iterator[str]:
    """Why this call may not stand here; nothing where it may."""
    last = name.rpartition(".")[2]
    if name == "print" and not is_command_line(module):
        yield "print: log it, or answer it; only the command line prints"
    if name.startswith("time.") and last != "sleep" and module.kind != "edge":
        yield f"{name}: the clock is read at the edge and passed in as now"
    if name == "uuid.uuid4":
        yield "uuid4: ids are UUIDv7 (loyalty.ids), or indexes scatter"
    if name in ("datetime.datetime.now", "datetime.datetime.today") and not (call.args or call.keywords):
        yield f"{name}: a time without a zone is no time"
    if name in ("datetime.datetime.utcnow", "datetime.datetime.utcfromtimestamp"):
        yield f"{name}: a time without a zone is no time"
    if last == "atomic":
        yield "atomic: it begins a deferred transaction, which fails when two write; use write(fn)"
    if name == "float" and any(is_exact(node) for argument in call.args for node in ast.walk(argument)):
        yield "float: money, quantities and points stay integers"


def float_divisions(modules: Sequence[Module]) -> list[str]:
    """`/` makes a float of two integers; money is split with //, round_ratio or allocate."""
    return [
        f"{module.at(node)} / makes a float of {ast.unparse(node)}"
        for module in modules
        for node in ast.walk(module.tree)
        if isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Div)
        and (is_exact(node.left) or is_exact(node.right))
    ]


def is_exact(node: ast.AST) -> bool:
    """True of a name, attribute or key that says it holds an exact integer: total_minor, line.quantity_milli."""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        return EXACT.fullmatch(str(node.slice.value)) is not None
    return EXACT.fullmatch(dotted(node)) is not None


def silent_handlers(modules: Sequence[Module]) -> list[str]:
    """Handlers that catch everything unnamed, or catch everything and do nothing."""
    breaches = []
    for module in modules:
        for node in ast.walk(module.tree):
            if not isinstance(node, ast.ExceptHandler):
                continue
            if node.type is None:
                breaches.append(f"{module.at(node)} except without a class")
            elif catches_everything(node.type) and all(does_nothing(statement) for statement in node.body):
                breaches.append(f"{module.at(node)} everything is caught and nothing is done")
        for call, name in calls_of(module):
            if name in ("contextlib.suppress", "suppress") and any(map(catches_everything, call.args)):
                breaches.append(f"{module.at(call)} everything is suppressed")
    return breaches


def catches_everything(caught: ast.AST) -> bool:
    classes = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(dotted(item).rpartition(".")[2] in ("Exception", "BaseException") for item in classes)


def does_nothing(statement: ast.stmt) -> bool:
    quiet = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return quiet or isinstance(statement, ast.Pass | ast.Continue)


def other_sqlites(modules: Sequence[Module]) -> list[str]:
    """One SQLite in the whole process, reached in one way.

    Two copies of the library in one process lose each other's POSIX locks on a file, which may damage it. So only
    sync/db*.py and the tests know SQLite, and all of them take the one that sqlite_utils picked.
    """
    breaches = []
    for module in modules:
        at_home = module.package == "tests" or (module.package == "sync" and module.file_name.startswith("db"))
        for imported in imports_of(module):
            if imported.target.partition(".")[0] not in SQLITE_MODULES:
                continue
            if module.path == "kiosk/migrations/__init__.py" and not imported.target.endswith("sqlite3"):
                continue  # sqlite-utils' migrations are its purpose; the connection is handed to it
            if not at_home:
                breaches.append(f"{module.at(imported.node)} only sync/db*.py may import {imported.target}")
            elif imported.target not in ("sqlite_utils", "sqlite_utils.Database", THE_ONE_SQLITE):
                breaches.append(f"{module.at(imported.node)} take it from {THE_ONE_SQLITE}")
    return breaches


def lost_log_fields(modules: Sequence[Module]) -> list[str]:
    """`extra` of a log call without its one member `fields`: the JSON lines would not show it."""
    breaches = []
    for module in modules:
        for call, name in calls_of(module):
            if not name.startswith("logger."):
                continue
            for keyword in call.keywords:
                keys = keyword.value.keys if isinstance(keyword.value, ast.Dict) else []
                named = [key.value for key in keys if isinstance(key, ast.Constant)]
                if keyword.arg == "extra" and named != ["fields"]:
                    breaches.append(f"{module.at(call)} extra without fields is not logged")
    return breaches


@pytest.mark.parametrize(
    "check", [left_overs, banned_calls, float_divisions, silent_handlers, other_sqlites, lost_log_fields]
)
def test_production_code_is_free_of_what_is_banned(check: object) -> None:
    assert callable(check)
    assert check(production()) == []


def test_tests_know_one_sqlite_and_leave_no_notes() -> None:
    assert other_sqlites(suite()) == []
    assert left_overs(suite()) == []


@pytest.mark.parametrize("note", ["# TO-DO: later", "x = 1  # FIX-ME", '"""XX-X"""'])
def test_a_note_to_oneself_is_caught(note: str) -> None:
    written = note.replace("-", "")
    assert len(left_overs([planted("kiosk/sales/sale.py", f"a = 1\n{written}\n")])) == 1


@pytest.mark.parametrize(
    "text",
    [
        "print('sold')",
        "import time\nx = time.time()",
        "from time import time_ns as clock\nx = clock()",
        "import time\nx = time.monotonic()",
        "import uuid\nx = uuid.uuid4()",
        "from uuid import uuid4\nx = uuid4()",
        "import datetime\nx = datetime.datetime.now()",
        "from datetime import datetime\nx = datetime.utcnow()",
        "with db.atomic(): pass",
        "x = float(total_minor)",
        "x = float(line.quantity_milli)",
        "x = float(row['price_minor'] * 2)",
        "x = float(account.points)",
    ],
)
def test_a_banned_call_is_caught(text: str) -> None:
    assert len(banned_calls([planted("kiosk/service.py", f'"""sql: x."""\n{text}')])) == 1


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("kiosk/cli.py", '"""edge: x."""\nprint("sold")'),
        ("kiosk/cli_bench.py", '"""edge: x."""\nprint("sold")'),
        ("kiosk/compose.py", '"""edge: x."""\nimport time\nx = time.time()'),
        ("kiosk/compose.py", '"""edge: x."""\nfrom datetime import UTC, datetime\nx = datetime.now(UTC)'),
        ("kiosk/compose.py", '"""edge: x."""\nx = float(seconds)'),
    ],
)
def test_a_call_in_its_place_passes(path: str, text: str) -> None:
    assert banned_calls([planted(path, text)]) == []


@pytest.mark.parametrize("text", ["x = total_minor / 2", "x = a / line.quantity_milli", "x = row['net_minor'] / 100"])
def test_a_float_division_of_money_is_caught(text: str) -> None:
    assert len(float_divisions([planted("kiosk/sales/sale.py", text)])) == 1
    assert float_divisions([planted("kiosk/sales/sale.py", text.replace("/", "//"))]) == []


@pytest.mark.parametrize(
    "handler",
    [
        "except:\n    log()",
        "except Exception:\n    pass",
        "except (ValueError, BaseException):\n    ...",
        "except Exception:\n    'never mind'",
    ],
)
def test_a_silent_handler_is_caught(handler: str) -> None:
    assert len(silent_handlers([planted("kiosk/sales/sale.py", f"try:\n    f()\n{handler}")])) == 1


def test_a_suppressed_everything_is_caught() -> None:
    text = "from contextlib import suppress\nwith suppress(Exception):\n    f()"
    assert len(silent_handlers([planted("kiosk/sales/sale.py", text)])) == 1
    assert silent_handlers([planted("kiosk/sales/sale.py", text.replace("Exception", "KeyError"))]) == []


@pytest.mark.parametrize("handler", ["except KeyError:\n    pass", "except Exception:\n    log()\n    raise"])
def test_a_handler_that_means_something_passes(handler: str) -> None:
    assert silent_handlers([planted("kiosk/sales/sale.py", f"try:\n    f()\n{handler}")]) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("kiosk/store.py", "from sqlite_utils.utils import sqlite3"),
        ("kiosk/store.py", "import sqlite_utils"),
        ("sync/db.py", "import sqlite3"),
        ("sync/journal.py", "import pysqlite3"),
        ("tests/sync/test_db.py", "from pysqlite3 import dbapi2"),
    ],
)
def test_another_sqlite_is_caught(path: str, text: str) -> None:
    assert len(other_sqlites([planted(path, text)])) == 1


@pytest.mark.parametrize("path", ["sync/db.py", "sync/db_postgres.py", "tests/sync/test_db.py"])
def test_the_one_sqlite_passes_at_home(path: str) -> None:
    assert other_sqlites([planted(path, "from sqlite_utils.utils import sqlite3\nimport sqlite_utils")]) == []


def test_a_log_field_that_would_be_lost_is_caught() -> None:
    assert lost_log_fields([planted("kiosk/x.py", 'logger.info("done", extra={"count": 1})')])
    assert not lost_log_fields([planted("kiosk/x.py", 'logger.info("done", extra={"fields": {"count": 1}})')])
