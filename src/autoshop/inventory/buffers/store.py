"""SQL of channels and buffers. Whoever changes a buffer holds the row of its channel."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import asyncpg

from autoshop.inventory.buffers.model import Buffer, Channel, Rule, Subject
from autoshop.inventory.changes.store import CHANGED
from autoshop.kit.db import Connection, Pool

COLUMNS = "id, code, name_ru, name_en, active, store_ids, buffer, actor, updated_at, rules_changed_at, version"
FIND = f"SELECT {COLUMNS} FROM channels WHERE code = $1"
LOCK = FIND + " FOR NO KEY UPDATE"


def _channel(row: asyncpg.Record) -> Channel:
    values = dict(row)
    values["store_ids"] = None if values["store_ids"] is None else tuple(values["store_ids"])
    return Channel(**values)


async def find(db: Connection | Pool, code: str, *, lock: bool = False) -> Channel | None:
    """A channel; `lock` holds it until the transaction ends."""
    row = await db.fetchrow(LOCK if lock else FIND, code)
    return _channel(row) if row else None


LIST = f"""
SELECT {COLUMNS}
  FROM channels
 WHERE id > $1
 ORDER BY id
 LIMIT $2
"""


async def list_page(db: Connection | Pool, after: int, limit: int) -> list[Channel]:
    """In the order in which they were made."""
    return [_channel(row) for row in await db.fetch(LIST, after, limit)]


ADD = f"""
INSERT INTO channels (code, name_ru, name_en, active, store_ids, buffer, actor)
VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (code) DO NOTHING
RETURNING {COLUMNS}
"""
CHANGE = f"""
UPDATE channels
   SET name_ru = $2, name_en = $3, active = $4, store_ids = $5, buffer = $6, actor = $7, updated_at = now(),
       rules_changed_at = now(), version = version + 1
 WHERE code = $1
RETURNING {COLUMNS}
"""


async def put(
    db: Connection,
    *,
    is_new: bool,
    code: str,
    name_ru: str,
    name_en: str,
    active: bool,
    store_ids: Sequence[int] | None,
    buffer: int,
    actor: str,
) -> Channel | None:
    """The channel as it is now; None where it was to be new and is there, or was to be there and is not."""
    sql = ADD if is_new else CHANGE
    row = await db.fetchrow(sql, code, name_ru, name_en, active, store_ids, buffer, actor)
    return _channel(row) if row else None


REMOVE = "DELETE FROM channels WHERE code = $1"
TOUCH = "UPDATE channels SET rules_changed_at = now() WHERE code = $1"
TELL = "INSERT INTO outbox (topic, payload) VALUES ('inventory.channels', $1)"


async def remove(db: Connection, code: str) -> None:
    """The channel and its buffers."""
    await db.execute(REMOVE, code)


async def touch(db: Connection, code: str) -> None:
    """Say that any number of the channel may be another from now on."""
    await db.execute(TOUCH, code)


async def tell(db: Connection, document: dict[str, Any]) -> None:
    """An event for whoever watches."""
    await db.execute(TELL, document)


KNOWN = """
SELECT $1::bigint IS NULL OR EXISTS (SELECT FROM categories WHERE id = $1) AS category,
       $2::bigint IS NULL OR EXISTS (SELECT FROM products WHERE id = $2) AS product,
       $3::bigint IS NULL OR EXISTS (SELECT FROM stores WHERE id = $3) AS store
"""
UNKNOWN_STORES = """
SELECT store_id
  FROM unnest($1::bigint[]) AS w (store_id)
 WHERE NOT EXISTS (SELECT FROM stores AS s WHERE s.id = w.store_id)
 ORDER BY store_id
"""


async def what_exists(db: Connection, subject: Subject) -> dict[str, bool]:
    """Whether what a buffer speaks of is there: category, product, store."""
    row = await db.fetchrow(KNOWN, subject.category_id, subject.product_id, subject.store_id)
    assert row is not None
    return dict(row)


async def unknown_stores(db: Connection, store_ids: Sequence[int]) -> list[int]:
    """Those that nobody ever opened."""
    return [row["store_id"] for row in await db.fetch(UNKNOWN_STORES, store_ids)]


# ---------------------------------------------------------------------------- buffers
BUFFER_COLUMNS = "id, channel, category_id, product_id, store_id, buffer, actor, updated_at, version"
FIND_BUFFER = f"""
SELECT {BUFFER_COLUMNS}
  FROM channel_buffers
 WHERE channel = $1 AND category_id IS NOT DISTINCT FROM $2 AND product_id IS NOT DISTINCT FROM $3
   AND store_id IS NOT DISTINCT FROM $4
"""
PUT_BUFFER = f"""
INSERT INTO channel_buffers AS b (channel, category_id, product_id, store_id, buffer, actor)
VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT ON CONSTRAINT channel_buffers_once DO UPDATE
   SET buffer = excluded.buffer, actor = excluded.actor, updated_at = now(), version = b.version + 1
RETURNING {BUFFER_COLUMNS}
"""
REMOVE_BUFFER = "DELETE FROM channel_buffers WHERE id = $1"
LIST_BUFFERS = f"""
SELECT {BUFFER_COLUMNS}
  FROM channel_buffers
 WHERE channel = $1 AND ($2::bigint IS NULL OR product_id = $2) AND id > $3
 ORDER BY id
 LIMIT $4
"""


async def find_buffer(db: Connection, channel: str, of: Subject) -> Buffer | None:
    row = await db.fetchrow(FIND_BUFFER, channel, of.category_id, of.product_id, of.store_id)
    return Buffer(*row) if row else None


async def put_buffer(db: Connection, channel: str, of: Subject, buffer: int, actor: str) -> Buffer:
    """Set it, whether there is one or not. The channel is locked."""
    row = await db.fetchrow(PUT_BUFFER, channel, of.category_id, of.product_id, of.store_id, buffer, actor)
    assert row is not None
    return Buffer(*row)


async def remove_buffer(db: Connection, buffer_id: int) -> None:
    await db.execute(REMOVE_BUFFER, buffer_id)


async def list_buffers(
    db: Connection | Pool, channel: str, product_id: int | None, after: int, limit: int
) -> list[Buffer]:
    """In the order in which they were first set."""
    return [Buffer(*row) for row in await db.fetch(LIST_BUFFERS, channel, product_id, after, limit)]


# ---------------------------------------------------------------------------- what is shown
FEEDING = """
SELECT id
  FROM stores
 WHERE active AND ($1::bigint[] IS NULL OR id = ANY ($1))
 ORDER BY id
 LIMIT 10000
"""


async def feeding(db: Connection, channel: Channel) -> list[int]:
    """Stores in business that feed the channel."""
    return [row["id"] for row in await db.fetch(FEEDING, channel.store_ids)]


STORES_CHANGED_SINCE = "SELECT EXISTS (SELECT FROM stores WHERE updated_at >= $1)"


async def stores_changed_since(db: Connection, moment: datetime) -> bool:
    """Whether a store was opened, closed or altered since."""
    return bool(await db.fetchval(STORES_CHANGED_SINCE, moment))


PRODUCTS = """
SELECT DISTINCT product_id
  FROM inventory
 WHERE product_id > $1 AND store_id = ANY ($2::bigint[])
 ORDER BY product_id
 LIMIT $3
"""
PRODUCTS_SINCE = f"""
SELECT product_id
  FROM ({CHANGED.replace("$1", "$4")}) AS c
 WHERE product_id > $1 AND store_id = ANY ($2::bigint[])
 UNION
SELECT p.id
  FROM products AS p
 WHERE p.updated_at >= $4 AND p.id > $1
   AND EXISTS (SELECT FROM inventory AS i WHERE i.product_id = p.id AND i.store_id = ANY ($2::bigint[]))
 ORDER BY product_id
 LIMIT $3
"""


async def products(
    db: Connection, store_ids: Sequence[int], after: int, limit: int, since: datetime | None
) -> list[int]:
    """Products that lie, or once lay, in these stores, after an id; with `since` those that changed."""
    more = () if since is None else (since,)
    sql = PRODUCTS if since is None else PRODUCTS_SINCE
    return [row["product_id"] for row in await db.fetch(sql, after, store_ids, limit, *more)]


SHOWN = """
SELECT p.id AS product_id, p.active, s.store_id, s.quantity - s.reserved AS available,
       coalesce(place.buffer, product.buffer, category.buffer, $4::int) AS buffer,
       CASE WHEN place.id IS NOT NULL THEN 'place' WHEN product.id IS NOT NULL THEN 'product'
            WHEN category.id IS NOT NULL THEN 'category' ELSE 'channel' END AS rule
  FROM products AS p
  LEFT JOIN stock AS s ON s.product_id = p.id AND s.store_id = ANY ($3::bigint[]) AND s.quantity > s.reserved
  LEFT JOIN channel_buffers AS place
    ON place.channel = $1 AND place.product_id = p.id AND place.store_id = s.store_id
  LEFT JOIN channel_buffers AS product
    ON product.channel = $1 AND product.product_id = p.id AND product.store_id IS NULL
  LEFT JOIN channel_buffers AS category
    ON category.channel = $1 AND category.product_id IS NULL AND category.store_id IS NULL
   AND category.category_id = p.category_id
 WHERE p.id = ANY ($2::bigint[])
 ORDER BY p.id, s.store_id
"""


class ShownRow(NamedTuple):
    """A product at a store that has something of it; without a store where none has."""

    product_id: int
    active: bool
    store_id: int | None
    available: int
    buffer: int
    rule: Rule


async def shown(
    db: Connection, channel: Channel, product_ids: Sequence[int], store_ids: Sequence[int]
) -> list[ShownRow]:
    """What is available of these products in these stores, and which buffer counts there."""
    rows = await db.fetch(SHOWN, channel.code, product_ids, store_ids, channel.buffer)
    return [ShownRow(*row) for row in rows]
