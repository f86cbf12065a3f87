"""Verbs: name a channel, set its buffers, and say what it may show."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from autoshop.accounts.model import Caller
from autoshop.accounts.service import audit
from autoshop.inventory.buffers import store
from autoshop.inventory.buffers.model import (
    AtStore,
    Buffer,
    Channel,
    ChannelGone,
    Off,
    Shown,
    ShownPage,
    Subject,
    UnknownBuffer,
    UnknownCategory,
    UnknownChannel,
)
from autoshop.inventory.changes import store as changes
from autoshop.inventory.movements.model import UnknownProduct, UnknownStore
from autoshop.kit.db import Connection, Pool
from autoshop.kit.errors import PreconditionRequired
from autoshop.kit.etag import changed_meanwhile

MOST_CHANGES = timedelta(days=1)  # of longer ago everything is listed: that is quicker than to find what changed


async def get_channel(db: Connection | Pool, code: str, *, lock: bool = False) -> Channel:
    """The channel, or a refusal."""
    found = await store.find(db, code, lock=lock)
    if found is None:
        raise UnknownChannel(f"There is no channel «{code}»", channel=code)
    return found


async def put_channel(
    db: Connection,
    caller: Caller,
    code: str,
    version: int | None,
    *,
    name_ru: str,
    name_en: str,
    active: bool,
    store_ids: Sequence[int] | None,
    buffer: int,
) -> Channel:
    """Make a channel, or change the one that was read at `version`."""
    caller.must_act_for_all()
    stores = None if store_ids is None else sorted(set(store_ids))
    wanted: dict[str, Any] = {
        "name_ru": name_ru, "name_en": name_en, "active": active, "store_ids": stores, "buffer": buffer
    }  # fmt: skip
    before = await store.find(db, code, lock=True)
    if before is None and version is not None:
        raise ChannelGone(channel=code)
    if before is not None:
        if version is None:
            raise PreconditionRequired
        if before.version != version:
            raise changed_meanwhile("channel", before.version, wanted, _fields(before))
    if stores and (unknown := await store.unknown_stores(db, stores)):
        raise UnknownStore(f"There is no store {unknown[0]}", store_id=unknown[0])
    after = await store.put(db, is_new=before is None, code=code, actor=caller.actor, **wanted)
    if after is None:
        raise PreconditionRequired("Somebody has just made this channel. Read it, then send your change with its ETag")
    await audit(db, caller, "set", f"channel:{code}", _fields(before) if before else None, _fields(after))
    await store.tell(db, {"kind": "channel_set", "channel": code, "active": active, "store_ids": stores})
    return after


async def remove_channel(db: Connection, caller: Caller, code: str, version: int) -> None:
    """The channel and its buffers go."""
    caller.must_act_for_all()
    before = await get_channel(db, code, lock=True)
    if before.version != version:
        raise changed_meanwhile("channel", before.version, {"removed": True}, _fields(before))
    await store.remove(db, code)
    await audit(db, caller, "remove", f"channel:{code}", _fields(before), None)
    await store.tell(db, {"kind": "channel_removed", "channel": code})


async def put_buffer(
    db: Connection, caller: Caller, code: str, of: Subject, buffer: int, version: int | None
) -> Buffer:
    """Hide so many pieces of each store from the channel; where there is a buffer, `version` says which was read."""
    caller.must_act_for_all()
    await get_channel(db, code, lock=True)
    await _must_exist(db, of)
    before = await store.find_buffer(db, code, of)
    if before is None and version is not None:
        raise UnknownBuffer(channel=code)
    if before is not None:
        _must_be_at(before, version, {"buffer": buffer})
    after = await store.put_buffer(db, code, of, buffer, caller.actor)
    await _changed(db, caller, code, "buffer_set", before, after)
    return after


async def remove_buffer(db: Connection, caller: Caller, code: str, of: Subject, version: int) -> None:
    """From now on the next more general buffer counts."""
    caller.must_act_for_all()
    await get_channel(db, code, lock=True)
    before = await store.find_buffer(db, code, of)
    if before is None:
        raise UnknownBuffer(channel=code)
    _must_be_at(before, version, {"removed": True})
    await store.remove_buffer(db, before.id)
    await _changed(db, caller, code, "buffer_removed", before, None)


async def shown_stock(
    db: Connection,
    code: str,
    now: datetime,
    *,
    product_id: int | None = None,
    after: int = 0,
    limit: int = 100,
    changed_after: datetime | None = None,
) -> ShownPage:
    """What a channel may show: a page of products, those that changed since a moment, or one.

    Where a buffer, the channel or a store changed since, or the moment is long ago, the page is of everything. Begin a
    walk with the `as_of` of the walk before: what commits late is found by the next.
    """
    as_of = await changes.seen_to(db)
    channel = await get_channel(db, code)
    store_ids = await store.feeding(db, channel)
    since = changed_after
    if since is not None and (
        since <= channel.rules_changed_at or since < now - MOST_CHANGES or await store.stores_changed_since(db, since)
    ):
        since = None
    if product_id is None:
        found = await store.products(db, store_ids, after, limit + 1, since)
    else:
        found = [product_id] if product_id > after else []
    products = await _shown(db, channel, found[:limit], store_ids)
    if product_id is not None and found and not products:
        raise UnknownProduct(f"There is no product {product_id}", product_id=product_id)
    return ShownPage(products, len(found) > limit, as_of, since is None)


async def _shown(db: Connection, channel: Channel, product_ids: Sequence[int], store_ids: Sequence[int]) -> list[Shown]:
    rows = await store.shown(db, channel, product_ids, store_ids)
    products = []
    for (product_id, active), places in groupby(rows, key=lambda row: (row.product_id, row.active)):
        off: Off | None = "channel" if not channel.active else "product" if not active else None
        stores = tuple(
            AtStore(row.store_id, row.available, row.buffer, row.rule) for row in places if row.store_id is not None
        )
        products.append(Shown(product_id, off, stores))
    return products


async def _must_exist(db: Connection, of: Subject) -> None:
    exists = await store.what_exists(db, of)
    if not exists["category"]:
        raise UnknownCategory(f"There is no category {of.category_id}", category_id=of.category_id)
    if not exists["product"]:
        raise UnknownProduct(f"There is no product {of.product_id}", product_id=of.product_id)
    if not exists["store"]:
        raise UnknownStore(f"There is no store {of.store_id}", store_id=of.store_id)


def _must_be_at(before: Buffer, version: int | None, sent: dict[str, Any]) -> None:
    if version is None:
        raise PreconditionRequired
    if before.version != version:
        raise changed_meanwhile("buffer", before.version, sent, {"buffer": before.buffer})


async def _changed(
    db: Connection, caller: Caller, code: str, kind: str, before: Buffer | None, after: Buffer | None
) -> None:
    of = after or before
    assert of is not None
    await store.touch(db, code)
    subject = {"category_id": of.category_id, "product_id": of.product_id, "store_id": of.store_id}
    now = {"buffer": after.buffer} if after else None
    await audit(
        db, caller, kind, f"channel:{code}", {**subject, "buffer": before.buffer} if before else None,
        {**subject, **now} if now else None,
    )  # fmt: skip
    await store.tell(db, {"kind": kind, "channel": code, **subject, **(now or {})})


def _fields(channel: Channel) -> dict[str, Any]:
    return {
        "name_ru": channel.name_ru,
        "name_en": channel.name_en,
        "active": channel.active,
        "store_ids": None if channel.store_ids is None else list(channel.store_ids),
        "buffer": channel.buffer,
    }
