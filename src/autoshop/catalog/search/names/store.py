"""SQL of names: the index beside the products, and the words that it has."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import asyncpg

from autoshop.catalog.search.store import PRINT
from autoshop.kit.db import Connection, Pool

# The words of a name, without its article: that has indexes of its own. As `words_in` has them.
CLEAN = r"""regexp_replace(
    regexp_replace(
        regexp_replace(translate(lower(replace(p.name, p.article, ' ')), 'ё', 'е'), '(\d+w)[ -]?(\d\d)', '\1\2', 'g'),
        '[^0-9a-zа-я]+', ' ', 'g'),
    '(\d) (мм|см|мл|л|кг|г|вт|в|ач|а)(?![0-9a-zа-я])', '\1\2', 'g')"""

# ---------------------------------------------------------------------------- the index is written
ALONE = "SELECT pg_try_advisory_xact_lock(hashtext('autoshop search index'))"


async def alone(db: Connection) -> bool:
    """Whether it is our turn to write, until the transaction ends: what is read later is written later."""
    return bool(await db.fetchval(ALONE))


IS_BEHIND = "SELECT EXISTS (SELECT FROM search_changes)"


async def is_behind(db: Connection | Pool) -> bool:
    """Whether products have changed that are not indexed yet."""
    return bool(await db.fetchval(IS_BEHIND))


MARK_ALL = """
INSERT INTO search_changes (first_id, last_id)
SELECT min(id), max(id)
  FROM products
 GROUP BY id / 1000
 ORDER BY 1
"""
COUNT = "SELECT count(*) FROM products"


async def mark_all(db: Connection) -> int:
    """Have every product looked at; how many there are."""
    await db.execute(MARK_ALL)
    return int(await db.fetchval(COUNT))


TAKE = """
DELETE FROM search_changes
 WHERE id IN (SELECT id
                FROM (SELECT id, last_id - first_id + 1 AS products,
                             sum(last_id - first_id + 1) OVER (ORDER BY id ROWS UNBOUNDED PRECEDING) AS so_far
                        FROM (SELECT id, first_id, last_id
                                FROM search_changes
                               ORDER BY id
                               LIMIT 1000) AS next) AS counted
               WHERE so_far - products < $1)
RETURNING first_id, last_id
"""


async def take(db: Connection, products: int) -> list[tuple[int, int]]:
    """What is to be looked at, from an id to an id, of about so many products; it is there again if we fail."""
    return [(row["first_id"], row["last_id"]) for row in await db.fetch(TAKE, products)]


# To be read in a statement after the one that took: then it sees whatever those had written who left a mark. Each
# product is looked up by its id: of a range PostgreSQL believes that it is a ninth of the table, and walks all of it.
INDEX = f"""
WITH fresh AS MATERIALIZED (
    SELECT p.id, p.brand_id, p.category_id, p.article_loose, {PRINT} AS print, {CLEAN} AS clean
      FROM unnest($1::bigint[]) AS n (id)
      JOIN products AS p ON p.id = n.id
     WHERE p.active
), changed AS MATERIALIZED (
    SELECT f.*
      FROM fresh AS f
     WHERE f.print IS DISTINCT FROM (SELECT d.print FROM search_documents AS d WHERE d.product_id = f.id)
), documents AS (
    INSERT INTO search_documents (product_id, brand_id, category_id, article_loose, article_reversed, words, print)
    SELECT id, brand_id, category_id, article_loose, reverse(article_loose),
           to_tsvector('russian', clean)
               || array_to_tsvector(array_remove(ARRAY['brand:' || brand_id, 'category:' || category_id], NULL)),
           print
      FROM changed
     ORDER BY id
        ON CONFLICT (product_id) DO UPDATE
       SET brand_id = excluded.brand_id, category_id = excluded.category_id, article_loose = excluded.article_loose,
           article_reversed = excluded.article_reversed, words = excluded.words, print = excluded.print
)
INSERT INTO search_words (word, word_reversed, lexeme, seen)
SELECT w.word, reverse(w.word), w.lexeme, w.seen
  FROM (SELECT u.word, (tsvector_to_array(to_tsvector('russian', u.word)))[1] AS lexeme, u.seen
          FROM (SELECT word, count(*) AS seen
                  FROM changed
                 CROSS JOIN LATERAL regexp_split_to_table(clean, ' ') AS s (word)
                 WHERE word ~ '^[a-zа-я]+$' AND length(word) BETWEEN 3 AND 30
                 GROUP BY word) AS u) AS w
 WHERE w.lexeme IS NOT NULL
 ORDER BY w.word
    ON CONFLICT (word) DO UPDATE
   SET seen = search_words.seen + excluded.seen
"""
FORGET = """
DELETE FROM search_documents AS d
 USING unnest($1::bigint[]) AS n (id)
 WHERE d.product_id = n.id
   AND NOT EXISTS (SELECT FROM products AS p WHERE p.id = n.id AND p.active)
"""


async def index(db: Connection, product_ids: Sequence[int]) -> None:
    """Index anew what has changed among products, and forget those that are no longer sold; each id once."""
    await db.execute(INDEX, product_ids)
    await db.execute(FORGET, product_ids)


# ---------------------------------------------------------------------------- words
@dataclass(frozen=True, slots=True)
class Known:
    """A word as it was typed: its stem (None: it means nothing by itself), and whether any name has that."""

    word: str
    lexeme: str | None
    known: bool


LOOK = """
SELECT w.word, w.lexeme, EXISTS (SELECT FROM search_words AS s WHERE s.lexeme = w.lexeme) AS known
  FROM (SELECT word, (tsvector_to_array(to_tsvector('russian', word)))[1] AS lexeme
          FROM unnest($1::text[]) AS t (word)) AS w
"""


async def look(db: Connection, words: Sequence[str]) -> dict[str, Known]:
    """What is known of words."""
    return {row["word"]: Known(*row) for row in await db.fetch(LOOK, words)}


BEGINNING = """
SELECT word, lexeme, seen
  FROM search_words
 WHERE word >= $1 AND word < $1 || chr(1114111)
 ORDER BY seen DESC, word
 LIMIT $2
"""


async def beginning(db: Connection, word: str, limit: int) -> list[asyncpg.Record]:
    """Words that begin so, the most frequent first."""
    return list(await db.fetch(BEGINNING, word, limit))


AMONG = """
SELECT word, lexeme, seen
  FROM search_words
 WHERE word = ANY (string_to_array($1, ' '))
"""


async def among(db: Connection, words: Iterable[str]) -> list[asyncpg.Record]:
    """Those of some words that names have. A thousand of them travel as one text: as an array they take longer."""
    return list(await db.fetch(AMONG, " ".join(words)))


NEAR = """
SELECT word, lexeme, seen
  FROM (SELECT word, lexeme, seen
          FROM search_words
         WHERE word >= $2 AND word < $2 || chr(1114111)
         UNION
        SELECT word, lexeme, seen
          FROM search_words
         WHERE word_reversed >= $3 AND word_reversed < $3 || chr(1114111)) AS n
 WHERE length(word) BETWEEN length($1) - 2 AND length($1) + 2 AND levenshtein_less_equal(word, $1, 2) <= 2
 ORDER BY levenshtein_less_equal(word, $1, 2), seen DESC, word
 LIMIT 1
"""


async def near(db: Connection, word: str) -> asyncpg.Record | None:
    """The most frequent word that differs in two letters at most, and shares the first or the last half."""
    middle = len(word) // 2
    return await db.fetchrow(NEAR, word, word[:middle], word[middle:][::-1])


# ---------------------------------------------------------------------------- products
# The subselect hides the query from the planner: for a frequent word it would rather read the table from its beginning
# until it has enough, which takes as long as that word is far away.
FIND = """
SELECT d.product_id, d.print, ts_rank_cd(d.words, $2::text::tsquery, 1) AS rank
  FROM search_documents AS d
 WHERE d.words @@ (SELECT $1::text::tsquery)
 LIMIT $3
"""


async def find(db: Connection | Pool, query: str, ranked_by: str, limit: int) -> list[asyncpg.Record]:
    """Some products whose documents answer a query, each with its print and rank."""
    return list(await db.fetch(FIND, query, ranked_by, limit))


# By key, each category walked by itself: a page of ten categories does not sort all their products.
OF_CATEGORIES = """
SELECT p.id
  FROM unnest($1::bigint[]) AS c (category_id)
 CROSS JOIN LATERAL (SELECT id
                       FROM products
                      WHERE products.category_id = c.category_id AND id > $2 AND active
                      ORDER BY id
                      LIMIT $3) AS p
 ORDER BY p.id
 LIMIT $3
"""


async def of_categories(db: Connection, category_ids: Sequence[int], after_id: int, limit: int) -> list[int]:
    """Products of some categories by id."""
    return [row["id"] for row in await db.fetch(OF_CATEGORIES, category_ids, after_id, limit)]
