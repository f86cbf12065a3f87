"""What every file keeps to: its size, its words, and what it never does."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.house.repository import ROOT, files, in_source, python, text_of, tree_of

MOST_LINES = 400
MOST_FUNCTION_LINES = 60
# Data, and one document that a program writes.
ANY_LENGTH = ("bench/audit/package-lock.json", "src/autoshop/data/", "src/autoshop/web/texts/", "project/db_schema.md")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(tree: ast.AST) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def lines_of(node: Function | ast.ClassDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


# ------------------------------------------------------------------------------------------------ size
def test_a_file_is_short_enough_to_be_read() -> None:
    lengths = {path: len(text_of(path).splitlines()) for path in files() if not path.startswith(ANY_LENGTH)}
    assert {path: length for path, length in lengths.items() if length > MOST_LINES} == {}


def test_a_function_is_short_enough_to_be_read() -> None:
    found = {(path, node.name): lines_of(node) for path in python() for node in functions(tree_of(path))}
    assert {where: length for where, length in found.items() if length > MOST_FUNCTION_LINES} == {}


# ------------------------------------------------------------------------------------------------ docstrings
# What a class of the library it comes from says already: a refusal's sentence and headers.
SAID_ELSEWHERE = {"explain", "headers"}
# A name, its types and this much of code say it all.
OBVIOUS_LINES = 5


def public(body: list[ast.stmt]) -> Iterator[Function | ast.ClassDef]:
    for node in body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public(node.body)


def is_obvious(node: Function | ast.ClassDef) -> bool:
    """Only fields, only a refusal's words; or a function that does one thing."""
    if isinstance(node, ast.ClassDef):
        methods = {child.name for child in node.body if isinstance(child, Function)}
        return methods <= SAID_ELSEWHERE and lines_of(node) <= 2 * OBVIOUS_LINES
    signature = node.body[0].lineno - node.lineno
    return node.name in SAID_ELSEWHERE or lines_of(node) - signature < OBVIOUS_LINES


def test_whatever_others_use_says_what_it_is_for() -> None:
    silent = [
        f"{path}:{node.lineno} {node.name}"
        for path, tree in in_source()
        for node in public(tree.body)
        if not ast.get_docstring(node) and not is_obvious(node)
    ]
    assert silent == []


def test_every_module_says_what_it_holds() -> None:
    assert [path for path, tree in in_source() if not ast.get_docstring(tree)] == []
    assert [
        path for path in python() if not path.endswith("__init__.py") and not ast.get_docstring(tree_of(path))
    ] == []


# ------------------------------------------------------------------------------------------------ never
def test_nothing_is_left_to_be_done_later() -> None:
    later = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"]) + r")\b")
    assert [path for path in files() if later.search(text_of(path))] == []


def calls(tree: ast.AST, name: str) -> list[ast.Call]:
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
    ]


def test_only_the_command_line_speaks_to_the_terminal() -> None:
    assert [path for path, tree in in_source("cli/", "dev.py") if calls(tree, "print")] == []


def swallows(node: ast.AST) -> bool:
    """`except Exception: pass`, a bare except that does nothing, `suppress(Exception)`."""
    if isinstance(node, ast.ExceptHandler):
        everything = node.type is None or ast.unparse(node.type) in ("Exception", "BaseException")
        return everything and all(isinstance(step, ast.Pass | ast.Continue) for step in node.body)
    return isinstance(node, ast.Call) and ast.unparse(node) in ("suppress(Exception)", "suppress(BaseException)")


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("try: f()\nexcept Exception: pass", True),
        ("try: f()\nexcept: pass", True),
        ("with suppress(Exception): f()", True),
        ("try: f()\nexcept OSError: pass", False),
        ("try: f()\nexcept Exception: log()", False),
    ],
)
def test_a_swallowed_error_is_seen(code: str, found: bool) -> None:
    assert any(map(swallows, ast.walk(ast.parse(code)))) is found


def test_no_error_is_swallowed() -> None:
    assert [path for path in python() if any(map(swallows, ast.walk(tree_of(path))))] == []


# ------------------------------------------------------------------------------------------------ words
THIS_FILE = "tests/house/test_code.py"
# Where it runs is nobody's business but the machine's; and the shop is written by people who sell parts.
FOREIGN = re.compile(
    r"(?<![\w/])/(work|home|Users)/|\bsittings?\b|\b(helper|sub)[ -]?agents?\b|\blanguage model\b|\bassistant\b", re.I
)


def test_a_file_speaks_of_the_shop_alone() -> None:
    assert [path for path in files() if path != THIS_FILE and FOREIGN.search(text_of(path))] == []


# The socket of a cluster whose own path is too long; nowhere else may a literal name a folder of this machine.
SOCKET = {"src/autoshop/kit/embedded/sockets.py"}


def test_no_module_names_a_folder_of_some_machine() -> None:
    named = re.compile(r"/(tmp|root|home|work|mnt|opt)(/|$)")
    found = {
        path
        for path, tree in in_source()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and named.match(node.value)
    }
    assert found - SOCKET == set()


PRIVATE = re.compile(r"\b(10\.\d+\.\d+\.\d+|192\.168\.\d+\.\d+|172\.(1[6-9]|2\d|3[01])\.\d+\.\d+)\b")
# Where a network has to be shown as it is written: documents, an example, the form of a setting, and the tests of both.
EXAMPLES = (".env.example", "deploy.sh", "src/autoshop/kit/settings.py", "tests/")


def test_no_address_of_somebodys_network_is_built_in() -> None:
    found = [path for path in files() if PRIVATE.search(text_of(path))]
    assert [path for path in found if not path.endswith(".md") and not path.startswith(EXAMPLES)] == []
    for path in ("deploy.sh", ".env.example"):
        lines = [line for line in text_of(path).splitlines() if PRIVATE.search(line)]
        assert [line for line in lines if "#" not in line.partition("192.168")[0]] == []


def test_every_command_in_bin_says_what_it_does_and_can_be_run() -> None:
    for path in files():
        if path.startswith("bin/"):
            first, second = text_of(path).splitlines()[:2]
            assert first.startswith("#!"), path
            assert second.startswith(("# ", '"""')), path
            assert len(second) > 20, path
            assert (ROOT / path).stat().st_mode & 0o111 == 0o111, path
