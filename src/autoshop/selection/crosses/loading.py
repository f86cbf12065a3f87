"""SQL from staged lines into the tables of crosses, as sets, on a connection of its own that is closed afterwards."""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass

from autoshop.catalog.imports.staging import PATIENCE
from autoshop.kit.db import Connection

STAGE = """
CREATE TEMP TABLE staged_articles (
    number      integer NOT NULL,
    print       bigint  NOT NULL,
    brand       integer NOT NULL,
    article_key text    NOT NULL,
    article     text    NOT NULL
);
CREATE TEMP TABLE staged_crosses (a_print bigint NOT NULL, b_print bigint NOT NULL, tag integer NOT NULL);
CREATE TEMP TABLE staged_tags (
    tag        integer NOT NULL,
    kind       text    NOT NULL,
    confidence text    NOT NULL,
    source_id  integer NOT NULL,
    verdict    text
);
CREATE TEMP TABLE staged_cross_brands (number integer NOT NULL, brand_id integer NOT NULL)
"""
FORGET = """
TRUNCATE staged_articles, staged_crosses, staged_tags, staged_cross_brands;
DROP TABLE IF EXISTS staged_prints, staged_ids, staged_pairs
"""


class SamePrint(Exception):
    """Two articles have one print, which happens once in a million files: begin again, with another salt."""


async def open_tables(db: Connection) -> None:
    """Make the tables. The connection is the load's own."""
    await db.execute(PATIENCE)
    await db.execute(STAGE)


async def forget(db: Connection) -> None:
    """As after `open_tables`."""
    await db.execute(FORGET)


async def add_lines(db: Connection, articles: Sequence[str], pairs: Sequence[str]) -> None:
    """Lines in COPY's text format. Each call is two transactions of its own, and short ones."""
    for table, lines in (("staged_articles", articles), ("staged_crosses", pairs)):
        if lines:
            await db.copy_to_table(table, source=_block(lines))


async def _block(lines: Sequence[str]) -> AsyncIterator[bytes]:
    yield ("\n".join(lines) + "\n").encode()


async def add_names(
    db: Connection, brands: Iterable[tuple[int, int]], tags: Iterable[tuple[int, str, str, int, str | None]]
) -> None:
    """What the numbers below zero are that lines have for brands that nobody knew, and what the tags stand for."""
    await db.copy_records_to_table("staged_cross_brands", records=brands)
    await db.copy_records_to_table("staged_tags", records=tags)


# Each article once; of its spellings, capitals before small letters.
FIND_ARTICLES = """
CREATE TEMP TABLE staged_prints AS
SELECT min(s.number) AS number, s.print, coalesce(b.brand_id, s.brand) AS brand_id, s.article_key,
       min(s.article) AS article
  FROM staged_articles AS s
  LEFT JOIN staged_cross_brands AS b ON b.number = s.brand
 GROUP BY s.print, coalesce(b.brand_id, s.brand), s.article_key
"""
SAME_PRINT = "SELECT count(*) <> count(DISTINCT print) FROM staged_prints"

# Whoever loads holds this until his transaction ends: two that add the same articles or pairs take turns.
TAKE_TURN = "SELECT pg_advisory_xact_lock(hashtext('autoshop crosses'))"

# New ones get their ids here, in the order of the file: what stands for each other mostly stands together there, and so
# the index of the way back grows at its end. Nobody else adds any before the transaction ends.
NUMBER_ARTICLES = """
CREATE TEMP TABLE staged_ids AS
SELECT s.print, coalesce(s.known_id, nextval('cross_articles_id_seq'))::integer AS id, s.known_id IS NULL AS is_new,
       CASE WHEN s.known_id IS NULL THEN s.brand_id END AS brand_id,
       CASE WHEN s.known_id IS NULL THEN s.article_key END AS article_key,
       CASE WHEN s.known_id IS NULL THEN s.article END AS article
  FROM (SELECT p.*, c.id AS known_id
          FROM staged_prints AS p
          LEFT JOIN cross_articles AS c ON c.article_key = p.article_key AND c.brand_id = p.brand_id
         ORDER BY p.number) AS s
"""
ADD_ARTICLES = """
INSERT INTO cross_articles (id, brand_id, article_key, article)
SELECT id, brand_id, article_key, article
  FROM staged_ids
 WHERE is_new
 ORDER BY article_key, brand_id
"""

# What goes both ways is one pair, whichever way round it was written. The same article under two names of a brand that
# became one meanwhile is no pair. What is known already is looked up here, once: `is_new` are the pairs that are not,
# `changes` those that are told surer now, or of which the checker says something else than before.
PAIR = """
CREATE TEMP TABLE staged_pairs AS
SELECT p.*, c.a_id IS NULL AS is_new,
       c.a_id IS NOT NULL
       AND (p.confidence < c.confidence
            OR (p.verdict IS DISTINCT FROM c.verdict::text AND c.verdict IS DISTINCT FROM 'accepted')) AS changes
  FROM (SELECT DISTINCT ON (a_id, b_id, kind) a_id, b_id, kind, confidence, source_id, verdict
          FROM (SELECT CASE WHEN t.kind IN ('oe', 'supersession') THEN a.id ELSE least(a.id, b.id) END AS a_id,
                       CASE WHEN t.kind IN ('oe', 'supersession') THEN b.id ELSE greatest(a.id, b.id) END AS b_id,
                       t.kind::cross_kind AS kind, t.confidence::cross_confidence AS confidence, t.source_id, t.verdict
                  FROM staged_crosses AS s
                  JOIN staged_tags AS t ON t.tag = s.tag
                  JOIN staged_ids AS a ON a.print = s.a_print
                  JOIN staged_ids AS b ON b.print = s.b_print
                 WHERE a.id <> b.id) AS pairs
         ORDER BY a_id, b_id, kind, confidence, source_id) AS p
  LEFT JOIN crosses AS c ON c.a_id = p.a_id AND c.b_id = p.b_id AND c.kind = p.kind
"""

KEEP_ASIDE = """
INSERT INTO cross_conflicts (a_id, b_id, kind, confidence, source_id, verdict)
SELECT a_id, b_id, kind, confidence, source_id, verdict
  FROM staged_pairs
 WHERE verdict IN ('conflict', 'fits, differs')
 ORDER BY a_id, b_id, kind
    ON CONFLICT (a_id, b_id, kind) DO NOTHING
"""

# The checker has learned since: what it refuses now is no longer told, unless a person said so.
TAKE_AWAY = """
DELETE FROM crosses AS c
 USING staged_pairs AS p
 WHERE p.verdict IN ('conflict', 'fits, differs')
   AND c.a_id = p.a_id AND c.b_id = p.b_id AND c.kind = p.kind AND c.verdict IS DISTINCT FROM 'accepted'
"""

# A surer word takes the place of another; what a person decided stays.
CHANGE_PAIRS = """
UPDATE crosses AS c
   SET confidence = least(p.confidence, c.confidence),
       source_id = CASE WHEN p.confidence < c.confidence THEN p.source_id ELSE c.source_id END,
       verdict = CASE c.verdict WHEN 'accepted' THEN 'accepted' ELSE p.verdict::cross_verdict END
  FROM staged_pairs AS p
 WHERE p.changes AND c.a_id = p.a_id AND c.b_id = p.b_id AND c.kind = p.kind
   AND p.verdict IS DISTINCT FROM 'conflict' AND p.verdict IS DISTINCT FROM 'fits, differs'
"""
# ON CONFLICT would look twice into every index. The lock keeps others away, but for somebody who accepts a conflict.
ADD_PAIRS = """
INSERT INTO crosses (a_id, b_id, source_id, kind, confidence, verdict)
SELECT a_id, b_id, source_id, kind, confidence, verdict::cross_verdict
  FROM staged_pairs
 WHERE is_new AND verdict IS DISTINCT FROM 'conflict' AND verdict IS DISTINCT FROM 'fits, differs'
 ORDER BY a_id, b_id
"""

# Facts that stand in the files no longer.
FORGET_OLD_FACTS = """
DELETE FROM crosses AS c
 USING cross_sources AS f
 WHERE f.id = c.source_id AND f.is_facts AND c.verdict IS DISTINCT FROM 'accepted'
   AND NOT EXISTS (SELECT FROM staged_pairs AS p WHERE p.a_id = c.a_id AND p.b_id = c.b_id AND p.kind = c.kind)
"""


# Articles that others name, in the table `named_articles` (brand_id, article_key, article), each once.
ADD_NAMED = """
INSERT INTO cross_articles (brand_id, article_key, article)
SELECT n.brand_id, n.article_key, n.article
  FROM named_articles AS n
 WHERE NOT EXISTS (SELECT FROM cross_articles AS c WHERE c.article_key = n.article_key AND c.brand_id = n.brand_id)
 ORDER BY n.article_key, n.brand_id
    ON CONFLICT (article_key, brand_id) DO NOTHING
"""


async def add_named(db: Connection) -> int:
    """Give numbers to articles that another part has named and nobody linked yet; how many there were."""
    await db.execute(TAKE_TURN)
    return _count(await db.execute(ADD_NAMED))


@dataclass(slots=True)
class Written:
    """What a load wrote."""

    articles: int = 0
    pairs: int = 0
    conflicts: int = 0
    forgotten: int = 0


async def find_articles(db: Connection) -> None:
    """Before the transaction that others may wait for: each article of the lines once. Raises SamePrint."""
    await db.execute("ANALYZE staged_articles, staged_crosses, staged_cross_brands, staged_tags")
    await db.execute(FIND_ARTICLES)
    await db.execute("ANALYZE staged_prints")
    if await db.fetchval(SAME_PRINT):
        raise SamePrint


async def write(db: Connection, *, are_all_facts: bool) -> Written:
    """All lines into the tables. `are_all_facts`: facts that are not among them are forgotten.

    Raises UniqueViolationError where somebody accepted one of the pairs just now.
    """
    await db.execute(TAKE_TURN)
    await db.execute(NUMBER_ARTICLES)
    await db.execute("ANALYZE staged_ids")
    written = Written(articles=_count(await db.execute(ADD_ARTICLES)))
    await db.execute(PAIR)
    await db.execute("ANALYZE staged_pairs")
    written.conflicts = _count(await db.execute(KEEP_ASIDE))
    await db.execute(TAKE_AWAY)
    written.pairs = _count(await db.execute(CHANGE_PAIRS)) + _count(await db.execute(ADD_PAIRS))
    if are_all_facts:
        written.forgotten = _count(await db.execute(FORGET_OLD_FACTS))
    return written


def _count(status: str) -> int:
    return int(status.split()[-1])
