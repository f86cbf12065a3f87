"""Findings about what clients were told: that is there, and exactly once.

Everybody repeated until he was answered, so nothing is there that nobody was told of.
"""

from tests.chaos.books import MOST_TOLD, Books, Check

# Movements that no answer names, for it tells of their document: of returns, stocktakes, bulk documents and imports.
OF_DOCUMENTS = """
SELECT unnest(ARRAY[movement_id, writeoff_id]) AS id FROM return_lines WHERE return_id = ANY ($1::bigint[])
 UNION
SELECT u.id
  FROM movements AS u
  JOIN return_lines AS l ON l.product_id = u.product_id AND u.reverses_id IN (l.movement_id, l.writeoff_id)
 WHERE l.return_id = ANY ($2::bigint[])
 UNION
SELECT m.id
  FROM stocktake_lines AS l
  JOIN movements AS m ON m.product_id = l.product_id AND m.related_document = 'stocktake ' || l.stocktake_id
 WHERE l.stocktake_id = ANY ($3::bigint[]) AND l.difference <> 0 AND m.delta = l.difference
 UNION
SELECT movement_id FROM bulk_lines WHERE document_id = ANY ($4::bigint[])
 UNION
SELECT u.id
  FROM movements AS u
  JOIN bulk_lines AS l ON l.product_id = u.product_id AND u.reverses_id = l.movement_id
 WHERE l.document_id = ANY ($5::bigint[])
 UNION
SELECT m.id
  FROM import_runs AS r
  JOIN movements AS m ON m.related_document = 'Остатки ' || r.file_name
 WHERE r.id = ANY ($6::bigint[]) AND m.reverses_id IS NULL
"""


async def every_acknowledged_movement_is_there_once_and_no_other(books: Books) -> list[str]:
    record = books.record
    returns, documents = record.documents["returns"], record.documents["bulk_documents"]
    ended = {
        (table, status): [number for kind, number, how in record.ended if (kind, how) == (table, status)]
        for table, status in (("returns", "reversed"), ("stocktakes", "approved"), ("bulk_documents", "undone"))
    }
    told = await books.ids(
        OF_DOCUMENTS, list(returns), ended["returns", "reversed"], ended["stocktakes", "approved"], list(documents),
        ended["bulk_documents", "undone"], list(record.documents["import_runs"]),
    )  # fmt: skip
    return _compared("movement", record.movements, await books.ids("SELECT id FROM movements"), told - {None})


async def every_acknowledged_document_is_there_once_and_no_other(books: Books) -> list[str]:
    wrong = []
    for table, acknowledged in books.record.documents.items():
        if table != "stocktake_counts":
            wrong += _compared(table, acknowledged, await books.ids(f"SELECT id FROM {table}"), set())
    return wrong[:MOST_TOLD]


async def every_acknowledged_count_of_a_shelf_is_there_once_and_no_other(books: Books) -> list[str]:
    rows = await books.pool.fetch("SELECT client_id, count(*) AS times FROM stocktake_counts GROUP BY client_id")
    doubled = [f"count {row['client_id']} is there {row['times']} times" for row in rows if row["times"] > 1]
    there, told = {row["client_id"] for row in rows}, books.record.counts
    lost = [f"lost: count {one}" for one in sorted(told - there)]
    return [*doubled, *lost, *(f"nobody was told of count {one}" for one in sorted(there - told))]


async def every_acknowledged_end_is_the_end_and_was_told_once(books: Books) -> list[str]:
    """Of a stocktake, a return, a bulk document: the status that somebody was told of stays, and one key made it."""
    wrong = [f"{table} {number}: {how} {times} times" for (table, number, how), times in _ends(books) if times > 1]
    for table, column in (("returns", "status"), ("stocktakes", "status"), ("bulk_documents", "state")):
        now = {row["id"]: row["now"] for row in await books.pool.fetch(f"SELECT id, {column} AS now FROM {table}")}
        told = {number: how for (kind, number, how), _ in _ends(books) if kind == table}
        final = {"reversed", "approved", "cancelled", "undone"}
        wrong += [f"{table} {one}: told {how}, is {now.get(one)}" for one, how in told.items() if now.get(one) != how]
        wrong += [
            f"{table} {one}: is {how}, nobody was told" for one, how in now.items() if how in final - {told.get(one)}
        ]
    return wrong[:MOST_TOLD]


async def every_acknowledged_allocation_is_of_all_that_was_wished(books: Books) -> list[str]:
    rows = await books.pool.fetch(
        "SELECT allocation_id, product_id, sum(pieces) AS pieces FROM allocation_lines"
        " GROUP BY allocation_id, product_id"
    )
    made: dict[int, dict[int, int]] = {}
    for row in rows:
        made.setdefault(row["allocation_id"], {})[row["product_id"]] = row["pieces"]
    wished = books.record.wished
    return [
        f"allocation {one}: wished {wished[one]}, made {made.get(one)}"
        for one in wished
        if made.get(one) != wished[one]
    ]


async def no_answer_was_one_that_should_not_have_been(books: Books) -> list[str]:
    """An unexpected status, another answer to the same key, more shown than there is, something told to two."""
    return books.record.wrong[:MOST_TOLD]


def _ends(books: Books) -> list[tuple[tuple[str, int, str], int]]:
    return list(books.record.ended.items())


def _compared(what: str, acknowledged: set[int], there: set[int], told_otherwise: set[int]) -> list[str]:
    lost = [f"lost: {what} {one}" for one in sorted(acknowledged - there)]
    return [*lost, *(f"nobody was told of {what} {one}" for one in sorted(there - acknowledged - told_otherwise))][
        :MOST_TOLD
    ]


CHECKS: list[Check] = [
    every_acknowledged_movement_is_there_once_and_no_other,
    every_acknowledged_document_is_there_once_and_no_other,
    every_acknowledged_count_of_a_shelf_is_there_once_and_no_other,
    every_acknowledged_end_is_the_end_and_was_told_once,
    every_acknowledged_allocation_is_of_all_that_was_wished,
    no_answer_was_one_that_should_not_have_been,
]
