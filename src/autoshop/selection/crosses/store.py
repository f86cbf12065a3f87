"""SQL of crosses: articles, the walk from one to those that stand for it, and the conflicts that people decide."""

from collections.abc import Collection, Sequence
from typing import Any

import asyncpg

from autoshop.kit.db import Connection
from autoshop.selection.crosses.model import Article, CrossConflict, State, Step, Way

SOURCE_ID = """
WITH added AS (
    INSERT INTO cross_sources (code, is_facts, actor)
    VALUES ($1, $2, $3)
        ON CONFLICT (code) DO NOTHING
    RETURNING id
)
SELECT id FROM added
 UNION ALL
SELECT id FROM cross_sources WHERE code = $1
 LIMIT 1
"""


async def source_id(db: Connection, code: str, actor: str, *, is_facts: bool) -> int:
    """The id of who says so, made if there is none. Somebody who adds the same at this moment is waited for."""
    found = await db.fetchval(SOURCE_ID, code, is_facts, actor)
    if found is None:  # added by another since this statement began
        found = await db.fetchval(SOURCE_ID, code, is_facts, actor)
    return found  # type: ignore[no-any-return]


SOURCES = "SELECT s.id, s.code FROM cross_sources AS s WHERE s.id = ANY ($1::int[])"


async def sources(db: Connection, ids: Collection[int]) -> dict[int, str]:
    """Who says so, by id."""
    return {row["id"]: row["code"] for row in await db.fetch(SOURCES, list(ids))}


FIND_ARTICLE = "SELECT id FROM cross_articles WHERE article_key = $2 AND brand_id = $1"


async def find_article(db: Connection, brand_id: int, article_key: str) -> int | None:
    """The id of an article that somebody linked, or None."""
    return await db.fetchval(FIND_ARTICLE, brand_id, article_key)  # type: ignore[no-any-return]


ARTICLES_OF = """
SELECT p.id AS product_id, c.id
  FROM products AS p
  JOIN cross_articles AS c ON c.article_key = p.article_key AND c.brand_id = p.brand_id
 WHERE p.id = ANY ($1::bigint[])
"""


async def articles_of(db: Connection, product_ids: Collection[int]) -> dict[int, int]:
    """The number of each product's article, where somebody linked it; in the order that was asked."""
    found = {row["product_id"]: row["id"] for row in await db.fetch(ARTICLES_OF, list(product_ids))}
    return {product_id: found[product_id] for product_id in product_ids if product_id in found}


ADD_ARTICLES = """
INSERT INTO cross_articles (brand_id, article_key, article)
SELECT brand_id, article_key, article
  FROM unnest($1::int[], $2::text[], $3::text[]) AS n (brand_id, article_key, article)
 ORDER BY article_key, brand_id
    ON CONFLICT (article_key, brand_id) DO NOTHING
"""


FIND_ARTICLES = """
SELECT c.id
  FROM unnest($1::int[], $2::text[]) WITH ORDINALITY AS n (brand_id, article_key, place)
  JOIN cross_articles AS c ON c.article_key = n.article_key AND c.brand_id = n.brand_id
 ORDER BY n.place
"""


async def add_articles(db: Connection, named: Sequence[tuple[int, str, str]]) -> list[int]:
    """The ids of articles (brand id, key, as printed), in order; those that nobody linked yet are added."""
    brand_ids, keys, articles = map(list, zip(*named, strict=True))
    await db.execute(ADD_ARTICLES, brand_ids, keys, articles)
    return [row["id"] for row in await db.fetch(FIND_ARTICLES, brand_ids, keys)]


ADD_CROSS = """
INSERT INTO crosses (a_id, b_id, source_id, kind, confidence, verdict)
VALUES ($1, $2, $3, $4::cross_kind, $5::cross_confidence, $6::cross_verdict)
    ON CONFLICT (a_id, b_id, kind) DO UPDATE
   SET confidence = excluded.confidence, source_id = excluded.source_id
 WHERE excluded.confidence < crosses.confidence
RETURNING a_id
"""
ADD_CONFLICT = """
INSERT INTO cross_conflicts (a_id, b_id, source_id, kind, confidence, verdict)
VALUES ($1, $2, $3, $4::cross_kind, $5::cross_confidence, $6)
    ON CONFLICT (a_id, b_id, kind) DO NOTHING
"""
FIND_CONFLICT_OF = "SELECT id FROM cross_conflicts WHERE a_id = $1 AND b_id = $2 AND kind = $3::cross_kind"


async def add_cross(db: Connection, *values: Any) -> bool:
    """A cross (a, b, source, kind, confidence, verdict); False where it was there, and as sure."""
    return await db.fetchval(ADD_CROSS, *values) is not None


async def add_conflict(db: Connection, *values: Any) -> int:
    """The id of the conflict of such a pair, decided or not, made if there is none."""
    await db.execute(ADD_CONFLICT, *values)
    return await db.fetchval(FIND_CONFLICT_OF, values[0], values[1], values[3])  # type: ignore[no-any-return]


ARTICLES = """
SELECT c.id, c.brand_id, c.article_key, c.article
  FROM cross_articles AS c
 WHERE c.id = ANY ($1::int[])
"""


async def articles(db: Connection, ids: Collection[int]) -> dict[int, Article]:
    """Articles by id."""
    return {row["id"]: Article(**row) for row in await db.fetch(ARTICLES, list(ids))}


# A recursion that forgets what it has seen would never leave a circle: UNION keeps each pair once. LIMIT ends it.
CHAIN = """
WITH RECURSIVE newer AS (
    SELECT c.a_id, c.b_id, c.confidence, c.source_id
      FROM crosses AS c
     WHERE c.kind = 'supersession' AND c.a_id = $1
     UNION
    SELECT c.a_id, c.b_id, c.confidence, c.source_id
      FROM newer
      JOIN crosses AS c ON c.kind = 'supersession' AND c.a_id = newer.b_id
), older AS (
    SELECT c.a_id, c.b_id, c.confidence, c.source_id
      FROM crosses AS c
     WHERE c.kind = 'supersession' AND c.b_id = $1
     UNION
    SELECT c.a_id, c.b_id, c.confidence, c.source_id
      FROM older
      JOIN crosses AS c ON c.kind = 'supersession' AND c.b_id = older.a_id
)
(SELECT a_id, b_id, confidence, source_id, true AS is_newer FROM newer LIMIT $2)
 UNION ALL
(SELECT a_id, b_id, confidence, source_id, false FROM older LIMIT $2)
"""


async def chain(db: Connection, article_id: int, most: int) -> tuple[list[Step], list[Step]]:
    """Supersessions after an article and before it, as they are found; at most so many of each."""
    newer, older = [], []
    for row in await db.fetch(CHAIN, article_id, most):
        values = (row["confidence"], row["source_id"], None)
        if row["is_newer"]:
            newer.append(Step(row["a_id"], row["b_id"], "supersession", False, *values))
        else:
            older.append(Step(row["b_id"], row["a_id"], "supersession", True, *values))
    return newer, older


# Each article once, on its shortest and surest way, from the first of $1 that leads there. Every look is bounded: a
# number that ten thousand articles are linked with costs no more than $2 of them.
WALK = """
WITH first AS (
    SELECT DISTINCT ON (e.id) s.id AS from_id, s.turn, e.*
      FROM unnest($1::int[]) WITH ORDINALITY AS s (id, turn)
     CROSS JOIN LATERAL (
           (SELECT c.b_id AS id, c.kind, c.confidence, c.source_id, c.verdict, false AS backward
              FROM crosses AS c WHERE c.a_id = s.id LIMIT $2)
            UNION ALL
           (SELECT c.a_id, c.kind, c.confidence, c.source_id, c.verdict, true
              FROM crosses AS c WHERE c.b_id = s.id LIMIT $2)) AS e
     WHERE e.id <> ALL ($1::int[])
     ORDER BY e.id, s.turn, e.confidence, e.kind
), second AS (
    SELECT f.*, e.id AS to_id, e.kind AS next_kind, e.confidence AS next_confidence, e.source_id AS next_source_id,
           e.verdict AS next_verdict, e.backward AS next_backward
      FROM (SELECT * FROM first ORDER BY confidence, id LIMIT $3) AS f
     CROSS JOIN LATERAL (
           (SELECT c.b_id AS id, c.kind, c.confidence, c.source_id, c.verdict, false AS backward
              FROM crosses AS c WHERE c.a_id = f.id LIMIT $4)
            UNION ALL
           (SELECT c.a_id, c.kind, c.confidence, c.source_id, c.verdict, true
              FROM crosses AS c WHERE c.b_id = f.id LIMIT $4)) AS e
     WHERE e.id <> ALL ($1::int[])
)
SELECT *
  FROM (SELECT DISTINCT ON (to_id) *
          FROM (SELECT f.*, f.id AS to_id, NULL::cross_kind AS next_kind, NULL::cross_confidence AS next_confidence,
                       NULL::integer AS next_source_id, NULL::cross_verdict AS next_verdict, false AS next_backward
                  FROM first AS f
                 UNION ALL
                SELECT * FROM second) AS found
         ORDER BY to_id, next_kind IS NOT NULL, turn, greatest(confidence, next_confidence), id) AS best
 ORDER BY next_kind IS NOT NULL, greatest(confidence, next_confidence), to_id
 LIMIT $5
"""


async def walk(db: Connection, seeds: Sequence[int], *, first: int, through: int, second: int, most: int) -> list[Way]:
    """What is linked with one of `seeds`, or with what is linked with it, both ways; nearest and surest first.

    At most `first` links each way of each seed are looked at, then `second` each way of the `through` surest.
    """
    return [_way(row) for row in await db.fetch(WALK, seeds, first, through, second, most)]


def _way(row: asyncpg.Record) -> Way:
    one = Step(
        row["from_id"], row["id"], row["kind"], row["backward"], row["confidence"], row["source_id"], row["verdict"]
    )
    if row["next_kind"] is None:
        return Way(row["to_id"], (one,))
    two = Step(
        row["id"], row["to_id"], row["next_kind"], row["next_backward"], row["next_confidence"], row["next_source_id"],
        row["next_verdict"],
    )  # fmt: skip
    return Way(row["to_id"], (one, two))


# ------------------------------------------------------------------------------------------------ conflicts
CONFLICT = """
SELECT f.id, f.a_id, f.b_id, f.kind, f.confidence, f.verdict, f.state, f.created_at, f.decided_at, f.decided_by,
       f.reason, s.code AS source, a.brand_id AS a_brand_id, a.article_key AS a_key, a.article AS a_article,
       b.brand_id AS b_brand_id, b.article_key AS b_key, b.article AS b_article, x.name AS a_brand, y.name AS b_brand
  FROM cross_conflicts AS f
  JOIN cross_sources AS s ON s.id = f.source_id
  JOIN cross_articles AS a ON a.id = f.a_id
  JOIN cross_articles AS b ON b.id = f.b_id
  JOIN brands AS x ON x.id = a.brand_id
  JOIN brands AS y ON y.id = b.brand_id
"""
LIST_CONFLICTS = (
    CONFLICT
    + """
 WHERE f.id > $1 AND ($2::text IS NULL OR f.state = $2)
 ORDER BY f.id
 LIMIT $3
"""
)
FIND_CONFLICT = CONFLICT + " WHERE f.id = $1"
LOCK_CONFLICT = "SELECT id FROM cross_conflicts WHERE id = $1 FOR NO KEY UPDATE"


async def list_conflicts(db: Connection, after_id: int, state: State | None, limit: int) -> list[CrossConflict]:
    return [_conflict(row) for row in await db.fetch(LIST_CONFLICTS, after_id, state, limit)]


async def find_conflict(db: Connection, conflict_id: int, *, lock: bool = False) -> CrossConflict | None:
    """A conflict; `lock` holds it until the transaction ends."""
    if lock:
        await db.fetchval(LOCK_CONFLICT, conflict_id)
    row = await db.fetchrow(FIND_CONFLICT, conflict_id)
    return _conflict(row) if row else None


def _conflict(row: asyncpg.Record) -> CrossConflict:
    values: dict[str, Any] = {name: row[name] for name in CrossConflict.__dataclass_fields__ if name in row}
    one = Article(row["a_id"], row["a_brand_id"], row["a_key"], row["a_article"], row["a_brand"])
    other = Article(row["b_id"], row["b_brand_id"], row["b_key"], row["b_article"], row["b_brand"])
    return CrossConflict(one=one, other=other, **values)


DECIDE = """
UPDATE cross_conflicts
   SET state = $2, decided_by = $3, reason = $4, decided_at = now()
 WHERE id = $1
"""
ACCEPT = """
INSERT INTO crosses (a_id, b_id, source_id, kind, confidence, verdict)
SELECT f.a_id, f.b_id, f.source_id, f.kind, f.confidence, 'accepted'
  FROM cross_conflicts AS f
 WHERE f.id = $1
    ON CONFLICT (a_id, b_id, kind) DO UPDATE
   SET verdict = 'accepted'
"""


async def decide(db: Connection, conflict_id: int, state: State, actor: str, reason: str | None) -> None:
    """Write down what was decided of a locked conflict; what is accepted becomes a cross."""
    await db.execute(DECIDE, conflict_id, state, actor, reason)
    if state == "accepted":
        await db.execute(ACCEPT, conflict_id)
