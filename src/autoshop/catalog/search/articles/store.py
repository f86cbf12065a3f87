"""SQL of articles. Each statement is a walk along an index of keys, and ends after so many rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from autoshop.kit.db import Connection


@dataclass(frozen=True, slots=True)
class Found:
    """A product by one of its codes."""

    product_id: int
    brand_id: int
    article_key: str
    article_loose: str


# Keys have no spaces, so a thousand of them travel as one text: the driver takes a millisecond for an array.
BY_KEYS = """
SELECT p.id, p.brand_id, p.article_key, p.article_loose
  FROM products AS p
 WHERE p.article_loose = ANY (string_to_array($1, ' ')) AND p.active
 LIMIT $2
"""


async def by_keys(db: Connection, loose: Iterable[str], limit: int) -> list[Found]:
    """Products whose article has one of these loose keys."""
    return [Found(*row) for row in await db.fetch(BY_KEYS, " ".join(loose), limit)]


BY_CODES = """
SELECT p.id, p.brand_id, p.article_key, p.article_loose, n.by
  FROM (SELECT c.product_id AS id, 'barcode' AS by
          FROM barcodes AS c
         WHERE c.code = ANY ($1::text[])
         UNION ALL
        SELECT s.id, 'sku'
          FROM products AS s
         WHERE s.sku = ANY ($2::text[])) AS n
  JOIN products AS p ON p.id = n.id AND p.active
 LIMIT 100
"""


async def by_codes(db: Connection, barcodes: Sequence[str], skus: Sequence[str]) -> list[tuple[Found, str]]:
    """Products by barcode or SKU, and which of both it was."""
    return [(Found(*row[:4]), row["by"]) for row in await db.fetch(BY_CODES, barcodes, skus)]


BEGINNING = """
SELECT p.id, p.brand_id, p.article_key, p.article_loose
  FROM products AS p
 WHERE p.article_loose >= $1 AND p.article_loose < $1 || chr(1114111) AND p.active
   AND ($2::text IS NULL OR (p.article_loose, p.id) > ($2, $3::bigint))
 ORDER BY p.article_loose, p.id
 LIMIT $4
"""


async def beginning(db: Connection, loose: str, after: tuple[str, int] | None, limit: int) -> list[Found]:
    """Products whose article begins so, in the order of articles."""
    return [Found(*row) for row in await db.fetch(BEGINNING, loose, *(after or (None, None)), limit)]


# Of one brand there is no index beside the products: the documents of names have it.
OF_BRAND = """
SELECT d.product_id, d.brand_id, '' AS article_key, d.article_loose
  FROM search_documents AS d
 WHERE d.brand_id = $1 AND d.article_loose >= $2 AND d.article_loose < $2 || chr(1114111)
   AND (d.article_loose, d.product_id) > ($3, $4::bigint)
 ORDER BY d.article_loose, d.product_id
 LIMIT $5
"""


async def of_brand(db: Connection, brand_id: int, loose: str, after: tuple[str, int] | None, limit: int) -> list[Found]:
    """Products of a brand whose article begins so, in the order of articles, as far as they are indexed."""
    return [Found(*row) for row in await db.fetch(OF_BRAND, brand_id, loose, *(after or ("", 0)), limit)]


ENDING = """
SELECT d.product_id, d.brand_id, '' AS article_key, d.article_loose
  FROM search_documents AS d
 WHERE d.article_reversed >= $1 AND d.article_reversed < $1 || chr(1114111)
 ORDER BY d.article_reversed
 LIMIT $2
"""


async def ending(db: Connection, loose: str, limit: int) -> list[Found]:
    """Products whose article ends so, the shortest first, as far as they are indexed."""
    return [Found(*row) for row in await db.fetch(ENDING, loose[::-1], limit)]


# So many are measured, of each part; more are a family of articles, not typos of one. $2 is the first part and all its
# edits, $3 the last one turned round.
NEAR = """
SELECT n.id, n.brand_id, n.article_key, n.article_loose
  FROM ((SELECT p.id, p.brand_id, p.article_key, p.article_loose
           FROM unnest(string_to_array($2, ' ')) AS h (part)
          CROSS JOIN LATERAL (SELECT id, brand_id, article_key, article_loose
                                FROM products
                               WHERE article_loose >= h.part AND article_loose < h.part || chr(1114111)
                                 AND length(article_loose) BETWEEN length($1) - 2 AND length($1) + 2 AND active
                               ORDER BY article_loose
                               LIMIT $4) AS p
          LIMIT 5 * $4)
         UNION
        (SELECT d.product_id, d.brand_id, '', d.article_loose
           FROM search_documents AS d
          WHERE d.article_reversed >= $3 AND d.article_reversed < $3 || chr(1114111)
            AND length(d.article_loose) BETWEEN length($1) - 2 AND length($1) + 2
          LIMIT $4)) AS n
 WHERE levenshtein_less_equal(n.article_loose, $1, 4) <= 4
 ORDER BY levenshtein_less_equal(n.article_loose, $1, 4), n.article_loose, n.id
 LIMIT $5
"""


async def near(
    db: Connection, loose: str, first_parts: Iterable[str], last_part_reversed: str, measured: int, limit: int
) -> list[Found]:
    """Products whose article begins with a part, or ends with the last, and may be two edits away, the nearest first.

    To exchange two neighbours is two steps here, so up to four are looked at.
    """
    rows = await db.fetch(NEAR, loose, " ".join(first_parts), last_part_reversed, measured, limit)
    return [Found(*row) for row in rows]
