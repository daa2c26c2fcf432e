"""The sources as the tidy tests see them: modules with their syntax trees, and the files of the repository.

Every check is a function from modules to a list of sentences, one for each breach, so that it runs on the real sources
and, in its self-test, on a planted one:

    assert breaches_of(production()) == []
    assert breaches_of([planted("loyalty/money.py", "import kiosk")]) == ["loyalty/money.py:1 imports kiosk"]
"""

import ast
import functools
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PACKAGES = ("kiosk", "loyalty", "printers", "sync")
KINDS = ("pure", "sql", "edge")


class Module(NamedTuple):
    """One source file. `kind` is the word before the colon of its docstring, None where there is no such word."""

    path: str
    text: str
    tree: ast.Module

    @property
    def name(self) -> str:
        """The dotted name: sync/http/__init__.py is sync.http."""
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @property
    def package(self) -> str:
        return self.path.partition("/")[0].removesuffix(".py")

    @property
    def file_name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def is_package(self) -> bool:
        return self.file_name == "__init__.py"

    @property
    def kind(self) -> str | None:
        first = re.match(r"(\w+): ", ast.get_docstring(self.tree) or "")
        return first[1] if first and first[1] in KINDS else None

    def at(self, node: ast.AST) -> str:
        """Where a breach is, as an editor opens it."""
        return f"{self.path}:{getattr(node, 'lineno', 1)}"


def planted(path: str, text: str) -> Module:
    """A module that exists only in a self-test."""
    return Module(path, text, ast.parse(text))


@functools.cache
def production() -> Sequence[Module]:
    """Every module of the four packages."""
    return read_modules(PACKAGES)


@functools.cache
def suite() -> Sequence[Module]:
    """Every module under tests/."""
    return read_modules(["tests"])


def read_modules(folders: Sequence[str]) -> Sequence[Module]:
    paths = sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return [planted(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")) for path in paths]


class Import(NamedTuple):
    """One imported thing. `target` is what stands after `import`, or the module and name of a `from`."""

    node: ast.AST
    module: str
    name: str | None = None

    @property
    def target(self) -> str:
        return f"{self.module}.{self.name}" if self.name else self.module


def imports_of(module: Module) -> Iterator[Import]:
    """Every import, also inside functions, relative ones made absolute, and import_module("text")."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(node, alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = module.name.split(".")
                parts = parts[: len(parts) - node.level + module.is_package]
                base = ".".join([*parts, base]) if base else ".".join(parts)
            for alias in node.names:
                yield Import(node, base, alias.name)
        elif isinstance(node, ast.Call) and dotted(node.func).rpartition(".")[2] in ("import_module", "__import__"):
            for argument in node.args[:1]:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield Import(node, argument.value)


def dotted(node: ast.AST) -> str:
    """`datetime.datetime.now` of a name or an attribute; what is called or indexed on the way shows as `()`."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return "()"


def full_names(module: Module) -> Mapping[str, str]:
    """What a name at hand stands for: `from datetime import datetime as clock` gives clock -> datetime.datetime."""
    names: dict[str, str] = {}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            names |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def calls_of(module: Module) -> Iterator[tuple[ast.Call, str]]:
    """Every call with the full dotted name of what is called, whatever it was imported as."""
    names = full_names(module)
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            head, dot, rest = dotted(node.func).partition(".")
            yield node, names.get(head, head) + dot + rest


def texts_of(module: Module) -> Iterator[tuple[ast.AST, str]]:
    """Every piece of text that is no docstring. What is computed inside an f-string, `+`, % or format shows as {}."""
    docstrings = set()
    parts = set()
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            docstrings.add(node.value)
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add)):
            parts |= set(ast.walk(node)) - {node}
    for node in ast.walk(module.tree):
        if node in docstrings or node in parts:
            continue
        text = text_of(node)
        if text is not None and text.strip("{}"):
            yield node, text
    # What an f-string computes may hold texts of its own.
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FormattedValue):
            for inner in ast.walk(node.value):
                if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
                    yield inner, inner.value


def text_of(node: ast.AST) -> str | None:
    """The text of a constant, an f-string or a sum of them; None for anything else."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join("{}" if isinstance(part, ast.FormattedValue) else text_of(part) or "" for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = text_of(node.left), text_of(node.right)
        if left is None and right is None:
            return None
        return ("{}" if left is None else left) + ("{}" if right is None else right)
    return None


@functools.cache
def repository_files() -> Sequence[Path]:
    """Every file that is or would be tracked by git; without git (an unpacked archive) every file but what is made."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
            cwd=ROOT,
            capture_output=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        made = re.compile(r"\.venv.*|\.git|\..*_cache|\.hypothesis|__pycache__|.*\.egg-info|dist|build|demo")
        paths = [path.relative_to(ROOT) for path in ROOT.rglob("*")]
        files = [path for path in paths if not any(made.fullmatch(part) for part in path.parts)]
    else:
        files = [Path(name) for name in listed.stdout.decode().split("\0") if name]
    return sorted(path for path in files if (ROOT / path).is_file())
