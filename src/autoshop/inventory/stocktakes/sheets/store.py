"""SQL of sheets: names for the lines, and products for what a file names."""

from collections.abc import Sequence

from autoshop.inventory.stocktakes.sheets.model import ArticleKey, Known, SheetLine
from autoshop.kit.db import Connection

PAGE = """
SELECT l.place_key, l.product_id,
       ARRAY(SELECT f.place
               FROM shelf_places AS f
              WHERE f.product_id = l.product_id AND f.store_id = l.store_id
              ORDER BY f.is_main DESC, f.place_key) AS places,
       p.article, b.name AS brand, p.name,
       ARRAY(SELECT c.code FROM barcodes AS c WHERE c.product_id = p.id ORDER BY c.code LIMIT 50) AS barcodes,
       l.expected, l.counted, l.difference, l.status
  FROM stocktake_lines AS l
  JOIN products AS p ON p.id = l.product_id
  JOIN brands AS b ON b.id = p.brand_id
 WHERE l.stocktake_id = $1 AND (l.place_key, l.product_id) > ($2, $3)
 ORDER BY l.place_key, l.product_id
 LIMIT $4
"""


async def page(db: Connection, stocktake_id: int, after: tuple[str, int], limit: int) -> list[SheetLine]:
    """Lines with their names, in the order in which one walks; what has no place comes last."""
    return [SheetLine(**row) for row in await db.fetch(PAGE, stocktake_id, *after, limit)]


BY_ID = "SELECT id, article_key FROM products WHERE id = ANY ($1::bigint[])"
BY_ARTICLE = """
SELECT w.article_key, w.brand_key, p.id
  FROM unnest($1::text[], $2::text[]) AS w (article_key, brand_key)
  JOIN products AS p ON p.article_key = w.article_key
  JOIN brands AS b ON b.id = p.brand_id
 WHERE w.brand_key IN ('', b.name_key)
    OR EXISTS (SELECT FROM brand_aliases AS a WHERE a.brand_id = b.id AND a.alias_key = w.brand_key)
"""
BY_BARCODE = "SELECT code, product_id FROM barcodes WHERE code = ANY ($1::text[])"


async def known(
    db: Connection, product_ids: Sequence[int], articles: Sequence[ArticleKey], barcodes: Sequence[str]
) -> Known:
    """Of what a sheet names, what there is."""
    by_article: dict[ArticleKey, set[int]] = {}
    for row in await db.fetch(BY_ARTICLE, [article for article, _ in articles], [brand for _, brand in articles]):
        by_article.setdefault((row["article_key"], row["brand_key"]), set()).add(row["id"])
    return Known(
        articles_by_id=dict(map(tuple, await db.fetch(BY_ID, product_ids))),
        ids_by_article={key: frozenset(ids) for key, ids in by_article.items()},
        id_by_barcode=dict(map(tuple, await db.fetch(BY_BARCODE, barcodes))),
    )
