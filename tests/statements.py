"""Every SQL constant of the package, found by walking its modules: whoever adds one need not add it here."""

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import autoshop

BEGINS = re.compile(
    r"\s*(WITH|SELECT|INSERT|UPDATE|DELETE|MERGE|CREATE|DROP|ALTER|TRUNCATE|SET|LOCK|COPY|ANALYZE|VACUUM|REVOKE|GRANT)\b"
)
HOLE = re.compile(r"\{[a-z_]+\}")


@dataclass(frozen=True)
class Statement:
    """A constant with SQL in it; where it lies, what it is called, what it says."""

    module: str  # without `autoshop.`: inventory.movements.store
    name: str
    sql: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"

    @property
    def has_holes(self) -> bool:
        """Whether the function beside it puts conditions into it."""
        return HOLE.search(self.sql) is not None


@cache
def statements() -> tuple[Statement, ...]:
    """All of them, in the order of modules and lines."""
    return tuple(_walk())


def _walk() -> Iterator[Statement]:
    for found in pkgutil.walk_packages(autoshop.__path__, "autoshop."):
        if found.name.endswith("__main__"):
            continue
        module = importlib.import_module(found.name)
        with open(str(module.__file__), encoding="utf-8") as file:
            names = _constants(ast.parse(file.read()))
        for name in names:
            value = getattr(module, name, None)
            if isinstance(value, str) and BEGINS.match(value):
                yield Statement(found.name.removeprefix("autoshop."), name, value)


def _constants(tree: ast.Module) -> Iterator[str]:
    """Upper-case names that the module itself gives a value."""
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Name) and target.id.isupper():
                    yield target.id
