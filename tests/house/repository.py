"""The files of this repository, as the house tests read them."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "autoshop"


@cache
def files() -> tuple[str, ...]:
    """What git keeps or would keep, as paths from the root; generated lock files are nobody's handwriting."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    return tuple(
        sorted({path for path in listed if (ROOT / path).is_file() and not path.endswith((".lock", "LICENSE"))})
    )


@cache
def text_of(path: str) -> str:
    """A file's text; empty where it is none."""
    raw = (ROOT / path).read_bytes()
    return "" if b"\0" in raw else raw.decode("utf-8")


@cache
def python() -> tuple[str, ...]:
    """Modules, and scripts whose first line names Python."""
    return tuple(path for path in files() if path.endswith(".py") or _first_line(path).endswith("python3"))


@cache
def tree_of(path: str) -> ast.Module:
    """A Python file, parsed."""
    return ast.parse(text_of(path), path)


def in_source(*but: str) -> Iterator[tuple[str, ast.Module]]:
    """Path and tree of every module of the package, but those that begin so."""
    for path in python():
        inside = path.removeprefix("src/autoshop/")
        if path != inside and not inside.startswith(but):
            yield path, tree_of(path)


def _first_line(path: str) -> str:
    return text_of(path).partition("\n")[0] if path.startswith("bin/") else ""
