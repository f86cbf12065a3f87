"""The headings of files that bring in other things than the catalogue: found by a table of what they mean. Pure rules.

What means nothing is passed over, since such files come from others; what is nearly one of ours is asked about.
"""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

from autoshop.catalog.imports.columns import Columns
from autoshop.catalog.imports.model import MOST_COLUMNS, Problem, error
from autoshop.kit.text import name_key

NEAR = 0.85  # «Артикул аналогаа»


def understand(
    rows: Sequence[tuple[int, Sequence[str]]], meanings: Mapping[str, str], ignore: Iterable[str]
) -> tuple[int, Columns, list[Problem]]:
    """Find the headings among the first rows, and read them: their row, what they mean, and what is wrong with them.

    `meanings`: the key of a heading → the field that it names.
    """
    named = [len({found for cell in cells if (found := meanings.get(name_key(cell)))}) for _, cells in rows]
    row, cells = rows[named.index(max(named))]
    header = [" ".join("".join(c if c.isprintable() else " " for c in cell).split()) for cell in cells]
    columns = Columns(header, recognised=max(named))
    if len(header) > MOST_COLUMNS:
        return row, columns, [error(row, "", "", "too_many_columns", MOST_COLUMNS)]
    ignored = {name_key(heading) for heading in ignore}
    problems: list[Problem] = []
    for position, heading in enumerate(header):
        key = name_key(heading)
        field = meanings.get(key)
        if key in ignored:
            continue
        if field is not None and field in columns.fields:
            problems.append(error(row, heading, heading, "repeated_column", header[columns.fields[field]]))
        elif field is not None:
            columns.fields[field] = position
        elif near := get_close_matches(key, meanings, 1, NEAR):
            problems.append(error(row, heading, heading, "unknown_column", f" («{near[0]}»?)"))
    return row, columns, problems


def missing(row: int, columns: Columns, needed: Mapping[str, str]) -> list[Problem]:
    """The columns that are not there and have to be, by what they are called."""
    return [error(row, "", "", "missing_column", name) for field, name in needed.items() if field not in columns.fields]
