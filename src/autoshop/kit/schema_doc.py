"""project/db_schema.md, written from a live database, so that it cannot drift from it."""

from collections import defaultdict

import asyncpg

from autoshop.kit.db import Pool

HEADER = """# The database

Written by `autoshop schema-doc` from a freshly migrated database; do not edit. `bin/check` fails when it is stale.
Rights are those of `autoshop_app`, the role that serves requests: S(elect), I(nsert), U(pdate), D(elete).
"""

TABLES = """
SELECT c.oid, c.relname AS name, obj_description(c.oid, 'pg_class') AS comment,
       concat(CASE WHEN has_table_privilege('autoshop_app', c.oid, 'SELECT') THEN 'S' END,
              CASE WHEN has_table_privilege('autoshop_app', c.oid, 'INSERT') THEN 'I' END,
              CASE WHEN has_table_privilege('autoshop_app', c.oid, 'UPDATE') THEN 'U' END,
              CASE WHEN has_table_privilege('autoshop_app', c.oid, 'DELETE') THEN 'D' END) AS rights
  FROM pg_class AS c
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition
 ORDER BY c.relname
"""

COLUMNS = """
SELECT a.attrelid, a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS required,
       coalesce(pg_get_expr(d.adbin, d.adrelid), CASE a.attidentity WHEN '' THEN '' ELSE 'identity' END) AS preset,
       coalesce(col_description(a.attrelid, a.attnum), '') AS comment
  FROM pg_attribute AS a
  LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
 WHERE a.attrelid = ANY ($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
 ORDER BY a.attrelid, a.attnum
"""

CONSTRAINTS = """
SELECT conrelid, contype::text AS kind, conname AS name, pg_get_constraintdef(oid) AS definition,
       CASE contype WHEN 'f' THEN confrelid::regclass::text END AS target
  FROM pg_constraint
 WHERE conrelid = ANY ($1::oid[]) AND contype IN ('p', 'u', 'f', 'c')
 ORDER BY conrelid, array_position('{p,u,f,c}', contype::text), conname
"""

INDEXES = """
SELECT i.indrelid, pg_get_indexdef(i.indexrelid) AS definition
  FROM pg_index AS i
 WHERE i.indrelid = ANY ($1::oid[])
   AND NOT EXISTS (SELECT FROM pg_constraint AS c WHERE c.conindid = i.indexrelid AND c.contype IN ('p', 'u'))
 ORDER BY i.indrelid, pg_get_indexdef(i.indexrelid)
"""


async def render(pool: Pool) -> str:
    """The whole document."""
    tables = await pool.fetch(TABLES)
    oids = [table["oid"] for table in tables]
    columns = _by_table(await pool.fetch(COLUMNS, oids), "attrelid")
    constraints = _by_table(await pool.fetch(CONSTRAINTS, oids), "conrelid")
    indexes = _by_table(await pool.fetch(INDEXES, oids), "indrelid")
    parts = [HEADER, _drawing(tables, constraints)]
    for table in tables:
        oid = table["oid"]
        parts.append(_section(table, columns[oid], constraints[oid], indexes[oid]))
    return "\n".join(parts)


def _by_table(rows: list[asyncpg.Record], column: str) -> dict[int, list[asyncpg.Record]]:
    found: dict[int, list[asyncpg.Record]] = defaultdict(list)
    for row in rows:
        found[row[column]].append(row)
    return found


def _drawing(tables: list[asyncpg.Record], constraints: dict[int, list[asyncpg.Record]]) -> str:
    """Who refers to whom, as a Mermaid diagram."""
    lines = {
        f"    {constraint['target']} ||--o{{ {table['name']} : has"
        for table in tables
        for constraint in constraints[table["oid"]]
        if constraint["kind"] == "f" and constraint["target"] != table["name"]
    }
    return "\n".join(["```mermaid", "erDiagram", *sorted(lines), "```", ""])


def _section(
    table: asyncpg.Record,
    columns: list[asyncpg.Record],
    constraints: list[asyncpg.Record],
    indexes: list[asyncpg.Record],
) -> str:
    lines = [f"## {table['name']}", "", f"Rights: {table['rights'] or 'none'}. {_sentence(table['comment'])}".rstrip()]
    lines += ["", "| column | type | null | default | meaning |", "|---|---|---|---|---|"]
    for column in columns:
        null = "" if column["required"] else "yes"
        preset = f"`{column['preset']}`" if column["preset"] else ""
        lines.append(f"| {column['name']} | {column['type']} | {null} | {preset} | {column['comment']} |")
    rules = [f"- {constraint['definition']}" for constraint in constraints]
    rules += [f"- {index['definition'].replace(' ON public.', ' ON ')}" for index in indexes]
    return "\n".join([*lines, "", *rules, ""])


def _sentence(comment: str | None) -> str:
    return f"{comment[0].upper()}{comment[1:]}." if comment else ""
