"""SQL of what is shown of products that were found."""

from collections.abc import Sequence

from autoshop.catalog.search.model import Shown
from autoshop.kit.db import Connection

# What a document of a product is made of, in four bytes. The first value is the edition of the rules by which documents
# are made (names/store.py): raise it with them.
PRINT = "hashtext(concat_ws('|', 1, p.brand_id, p.category_id, p.article, p.name))"

SHOW = f"""
SELECT p.id, p.brand_id, b.name AS brand, p.article, p.name, p.category_id, p.unit,
       (SELECT h.price_kopecks
          FROM prices AS h
         WHERE h.product_id = p.id AND h.price_type = 'retail' AND h.valid_from <= statement_timestamp()
         ORDER BY h.valid_from DESC
         LIMIT 1) AS price_kopecks,
       {PRINT} AS print
  FROM products AS p
  JOIN brands AS b ON b.id = p.brand_id
 WHERE p.id = ANY ($1::bigint[]) AND p.active
"""


async def show(db: Connection, product_ids: Sequence[int]) -> dict[int, Shown]:
    """Products as they are now, by id; those that are no longer sold are left out."""
    return {row["id"]: Shown(*row) for row in await db.fetch(SHOW, product_ids)}


# Brands by the beginning of any of their names; each walk is along the index of keys.
BRANDS_BEGINNING = """
SELECT b.id, b.name
  FROM (SELECT id
          FROM ((SELECT id, name_key AS key
                   FROM brands
                  WHERE name_key >= $1 AND name_key < $1 || chr(1114111)
                  ORDER BY name_key
                  LIMIT $2)
                 UNION ALL
                (SELECT brand_id, alias_key
                   FROM brand_aliases
                  WHERE alias_key >= $1 AND alias_key < $1 || chr(1114111)
                  ORDER BY alias_key
                  LIMIT $2)) AS k
         GROUP BY id
         ORDER BY min(key)
         LIMIT $2) AS n
  JOIN brands AS b ON b.id = n.id
 ORDER BY b.name_key
"""


async def brands_beginning(db: Connection, key: str, limit: int) -> list[tuple[int, str]]:
    """Ids and names of brands of which a name or alias begins so."""
    return [(row["id"], row["name"]) for row in await db.fetch(BRANDS_BEGINNING, key, limit)]
