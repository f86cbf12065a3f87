"""Pages by key: while others write between the pages, nothing is shown twice and nothing that stayed is lost."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest

from autoshop.inventory.levels.digests import store as digests
from autoshop.kit.db import Pool
from autoshop.kit.paging import encode_cursor
from tests.cast import AIR_FILTER, BULB, CENTRE, NORTH, OIL_FILTER, PLUG, WIPER

pytestmark = pytest.mark.anyio

API = "/api/v1"
MOVEMENT = f"{API}/inventory/movement"
LAST = 2**63 - 1
TODAY = datetime.now(UTC).date().isoformat()
LONG_AGO, FAR_OFF = "2001-01-01T00:00:00Z", "2999-01-01T00:00:00Z"


@dataclass(frozen=True)
class Listed:
    """A list: what names one of its items, what is never shown twice, and a cursor beyond its end."""

    path: str
    beyond: tuple[Any, ...]
    query: dict[str, Any] = field(default_factory=dict)
    name: tuple[str, ...] = ("id",)
    once: tuple[str, ...] = ()  # where it is more than the name: what changes while one pages comes again

    def __str__(self) -> str:
        return "&".join([self.path, *(f"{key}={value}" for key, value in self.query.items())])


PLACE = ("product_id", "store_id")
LISTS = [
    Listed("stores", ("stores", LAST)),
    Listed("brands", ("brands", LAST)),
    Listed("categories", ("categories", LAST)),
    Listed("products", ("products", LAST)),
    Listed("products", ("products", LAST), {"active": True}),
    Listed("products", ("changes", FAR_OFF, 1), {"updated_since": LONG_AGO}, once=("id", "version")),
    Listed("inventory/status", ("stock", LAST, LAST), name=PLACE),
    Listed("inventory/status", ("stock", LAST, LAST), {"store_id": CENTRE}, name=PLACE),
    Listed("inventory/status", ("stock", LAST, LAST), {"available": True}, name=PLACE),
    Listed("inventory/movements", ("movements", 0)),
    Listed("inventory/movements", ("movements", 0), {"product_id": PLUG}),
    Listed("inventory/movements", ("movements", 0), {"store_id": NORTH, "movement_type": "inbound"}),
    Listed("inventory/transfers", ("transfers", 0)),
    Listed("inventory/transfers", ("transfers", 0), {"status": "in_transit"}),
    Listed("inventory/transfers", ("transfers", 0), {"from_store_id": CENTRE, "product_id": PLUG}),
    Listed("inventory/transfers/differences", ("differences", 0)),
    Listed("inventory/transfers/differences", ("differences", 0), {"store_id": NORTH, "reason": "lost"}),
    Listed("inventory/returns", ("customer returns", 0)),
    Listed("inventory/returns", ("customer returns", 0), {"store_id": CENTRE, "product_id": PLUG}),
    Listed("inventory/supplier-returns", ("supplier returns", 0)),
    Listed("inventory/sales/returnable", ("returnable", LAST), {"related_document": "check"}, name=("movement_id",)),
    Listed("inventory/reservations", ("reservations", 0)),
    Listed("inventory/reservations", ("reservations", 0), {"status": "live", "store_id": CENTRE}),
    Listed("inventory/allocations", ("allocations", 0)),
    Listed("inventory/allocations", ("allocations", 0), {"product_id": PLUG}),
    Listed("inventory/promises", ("promises", LAST), name=("store_id",)),
    Listed("inventory/stocktakes", ("stocktakes", 0)),
    Listed("inventory/stocktakes", ("stocktakes", 0), {"status": "counting", "store_id": CENTRE}),
    Listed("inventory/stocktakes/1/lines", ("stocktake lines", LAST), name=("product_id",)),
    Listed(
        "inventory/stocktakes/1/lines", ("stocktake differences", 1, LAST), {"order": "difference"}, ("product_id",)
    ),
    Listed("inventory/stocktakes/1/counts", ("counts", 0)),
    Listed("inventory/recounts", ("recounts", LAST)),
    Listed("inventory/found-sales", ("found sales", 0)),
    Listed("inventory/levels", ("levels", LAST, LAST), name=PLACE),
    Listed("inventory/levels", ("levels", LAST, LAST), {"store_id": NORTH}, name=PLACE),
    Listed("inventory/levels", ("below", LAST, LAST, LAST), {"below": True}, name=PLACE),
    Listed("inventory/levels", ("below", LAST, LAST, LAST), {"below": True, "store_id": NORTH}, name=PLACE),
    Listed("inventory/levels/digests", ("digests", 0), {"store_id": CENTRE}),
    Listed("inventory/channels", ("channels", LAST)),
    Listed("inventory/channels/site/buffers", ("buffers", LAST)),
    Listed("inventory/channels/site/stock", ("shown", LAST), name=("product_id",)),
    Listed("documents", ("documents", 0)),
    Listed("documents", ("documents", 0), {"store_id": CENTRE, "kind": "receipt"}),
    Listed("inventory/shelves", ("shelves", LAST, "Я", LAST), name=(*PLACE, "place")),
    Listed("inventory/shelves", ("shelves", LAST, "Я", LAST), {"store_id": NORTH}, name=(*PLACE, "place")),
    Listed("inventory/shelves/missing", ("unplaced", LAST), {"store_id": CENTRE}, name=PLACE),
    Listed("inventory/marks", ("marks", 0, "9", "z"), name=("gtin", "serial", "sale_id")),
    Listed("inventory/periods", ("periods", 0)),
    Listed("inventory/stock-on", ("stock_on", LAST, LAST), {"date": TODAY}, name=PLACE),
    Listed("inventory/stock-on", ("stock_on", LAST, LAST), {"date": TODAY, "store_id": CENTRE}, name=PLACE),
    Listed("inventory/value", ("value", LAST), {"date": TODAY}, name=("product_id",)),
    Listed("inventory/value", ("value", LAST), {"date": TODAY, "method": "fifo"}, name=("product_id",)),
    Listed(f"inventory/{PLUG}/history", ("history", 0, 0, 0, 0), name=("kind", "id")),
    Listed(f"inventory/{PLUG}/history", ("history", 0, 0, 0, 0), {"store_id": CENTRE}, name=("kind", "id")),
    Listed(f"products/{PLUG}/prices", ("prices", LONG_AGO, ""), name=("price_type", "valid_from")),
    Listed("search", ("search", 9_999, "Я", LAST), {"q": "A1"}, name=("product_id",)),
    Listed("imports", ("imports", 0)),
    Listed("crosses/conflicts", ("conflicts", LAST)),
    Listed("crosses/conflicts", ("conflicts", LAST), {"state": "open"}),
    Listed("webhooks", ("webhooks", LAST)),
    Listed("webhooks/1/deliveries", ("deliveries", 0)),
    Listed("webhooks/1/deliveries", ("deliveries", 0), {"status": "waiting"}),
]
every_list = pytest.mark.parametrize("listed", LISTS, ids=str)


async def done(client: httpx.AsyncClient, method: str, path: str, body: Any = None, **headers: str) -> Any:
    answer = await client.request(method, path, json=body, headers=headers)
    assert answer.status_code < 300, answer.text
    return answer.json()


async def move(client: httpx.AsyncClient, kind: str, product: int, store: int, quantity: int) -> Any:
    to = {"to_store_id": NORTH if store == CENTRE else CENTRE} if kind == "transfer" else {}
    line = {"product_id": product, "store_id": store, "movement_type": kind, "quantity": quantity}
    return await done(client, "POST", MOVEMENT, {**line, **to})


async def change(client: httpx.AsyncClient, path: str, **changes: Any) -> None:
    version = (await done(client, "GET", path))["version"]
    await done(client, "PATCH", path, changes, **{"If-Match": f'"{version}"'})


async def busy(client: httpx.AsyncClient, hour: int) -> None:
    """An hour of the shop: in each list something is added, and something old and something recent changes."""
    opened = await done(client, "POST", f"{API}/stores", {"code": f"s{hour}", "name": "Новый"})
    await done(client, "POST", f"{API}/brands", {"name": f"Brand {hour}"})
    await done(client, "POST", f"{API}/categories", {"code": f"c{hour}", "name_ru": "Новая"})
    new = await done(client, "POST", f"{API}/products", {"brand_id": 1, "article": f"A{hour}", "name": "Новый"})
    for path in (f"stores/{CENTRE}", "brands/1"):
        await change(client, f"{API}/{path}", name=f"Имя {hour}")
    for product in (PLUG, AIR_FILTER, WIPER):
        await change(client, f"{API}/products/{product}", name=f"Имя {hour}", prices={"retail": 100 + hour})
    for product, store in ((BULB, NORTH), (new["id"], CENTRE), (PLUG, CENTRE)):
        await move(client, "inbound", product, store, 3)
    await move(client, "sale", PLUG, CENTRE, 1)
    shipped = await move(client, "transfer", PLUG, CENTRE, 2)
    await done(client, "POST", f"{API}/inventory/movements/{shipped['movement_id']}/reversal")
    sent = await move(client, "transfer", OIL_FILTER, CENTRE, 1)
    lost = {"lines": [{"product_id": OIL_FILTER, "quantity": 1, "reason": "lost"}]}
    await done(client, "POST", f"{API}/inventory/transfers/{sent['transfer_id']}/differences", lost)
    await move(client, "transfer", OIL_FILTER, CENTRE, 1)
    check = {
        "product_id": PLUG,
        "store_id": CENTRE,
        "movement_type": "sale",
        "quantity": 2,
        "related_document": "check",
    }
    sold = await done(client, "POST", MOVEMENT, check)
    plug = {"product_id": PLUG, "quantity": 1}
    back = {"store_id": CENTRE, "sale": {"movement_id": sold["movement_id"]}}
    await done(client, "POST", f"{API}/inventory/returns", {**back, "lines": [{**plug, "condition": "resaleable"}]})
    await done(
        client, "POST", f"{API}/inventory/supplier-returns", {"store_id": CENTRE, "supplier": "a", "lines": [plug]}
    )
    closed = (await done(client, "GET", f"{API}/inventory/periods?limit=1"))["items"]
    next_day = date.fromisoformat(closed[0]["ends_on"] if closed else "2020-01-01") + timedelta(days=1)
    await done(client, "POST", f"{API}/inventory/periods", {"ends_on": next_day.isoformat()})
    await busy_with_documents(client, hour, opened["id"], new["id"])


async def busy_with_documents(client: httpx.AsyncClient, hour: int, new_store: int, new_product: int) -> None:
    """Holds, orders, counts, levels, channels, shelves, files."""
    lines = [{"product_id": PLUG, "store_id": CENTRE, "quantity": 1}]
    held = [await done(client, "POST", f"{API}/inventory/reservations", {"holder": "a", "lines": lines}) for _ in "12"]
    await done(client, "POST", f"{API}/inventory/reservations/{held[0]['id']}/release")
    await done(client, "POST", f"{API}/webhooks", {"url": "https://example.com/hook", "topics": ["*"]})
    await done(client, "POST", f"{API}/webhooks/1/ping")
    order = {"store_id": new_store, "holder": "a", "lines": [{"product_id": PLUG, "quantity": 1}]}
    await done(client, "POST", f"{API}/inventory/allocations", order)
    found = {"product_id": BULB, "store_id": CENTRE, "quantity": 1, "reason": "found"}
    await done(client, "POST", f"{API}/inventory/found-sale", found)
    scope = {"kind": "products", "product_ids": [new_product]}
    await done(client, "POST", f"{API}/inventory/stocktakes", {"store_id": CENTRE, "scope": scope})
    count = {"client_id": f"a{hour}", "product_id": new_product, "pieces": hour % 3, "device": "a"}
    await done(client, "POST", f"{API}/inventory/stocktakes/1/counts", {"counts": [count]})
    await done(client, "PUT", f"{API}/inventory/levels/{new_product}/{NORTH}", {"minimum": 2})
    await done(client, "PUT", f"{API}/inventory/channels/site-{hour}", {"name_ru": "a", "name_en": "a"})
    await done(client, "PUT", f"{API}/inventory/channels/site/buffers/products/{new_product}", {"buffer": 1})
    receipt = {"kind": "receipt", "store_id": CENTRE, "lines": [{"product_id": PLUG, "quantity": 1}]}
    await done(client, "POST", f"{API}/documents", receipt)
    shelves = [(AIR_FILTER, CENTRE, ["A-1", f"B-{hour}"]), (new_product, NORTH, ["C-1"]), (PLUG, NORTH, [f"D-{hour}"])]
    items = [{"product_id": product, "store_id": store, "places": places} for product, store, places in shelves]
    await done(client, "POST", f"{API}/inventory/shelves", {"items": items})
    marked = {"product_id": PLUG, "store_id": CENTRE, "movement_type": "sale", "quantity": 1}
    await done(client, "POST", MOVEMENT, {**marked, "marks": [f"010460123456789321SERIAL{hour:07}"]})
    short, long = (
        {"brand": "Bosch", "article": "WR7BC"},
        {"other_brand": "Bosch", "other_article": f"WR{hour % 8 + 2}DC"},
    )
    await done(client, "POST", f"{API}/crosses", {**short, **long, "kind": "analog" if hour < 100 else "oe"})
    file = f"Бренд;Артикул;Название\nNGK;B{hour};Свеча\n".encode()
    sent = await client.post(f"{API}/imports", content=file, headers={"Content-Type": "text/csv"})
    assert sent.status_code == 202, sent.text


@pytest.fixture
async def shop(client: httpx.AsyncClient, pool: Pool) -> httpx.AsyncClient:
    """A shop with some of everything, so that each list has several pages of two."""
    await done(client, "PUT", f"{API}/inventory/channels/site", {"name_ru": "a", "name_en": "a"})
    async with pool.acquire() as db:
        for day in range(1, 7):
            document = {"levels": 1, "below": 0, "empty": 0, "most_urgent": []}
            await digests.add(db, CENTRE, date(2026, 1, day), document)
    for product in (PLUG, OIL_FILTER, AIR_FILTER, WIPER):
        await move(client, "inbound", product, CENTRE, 100)
    await move(client, "inbound", PLUG, NORTH, 1)
    await move(client, "inbound", WIPER, NORTH, 1)
    scope = {"store_id": NORTH, "scope": {"kind": "store"}}
    assert (await done(client, "POST", f"{API}/inventory/stocktakes", scope))["id"] == 1
    policy = f"{API}/inventory/found-policies/{CENTRE}"
    await done(client, "PUT", policy, {"roles": ["manager"]}, **{"If-Match": '"0"'})
    for hour in range(100, 105):
        await busy(client, hour)
    return client


async def walk(client: httpx.AsyncClient, listed: Listed, *, busy_hours: int = 0) -> list[dict[str, Any]]:
    """All items in pages of two; between the first pages the shop is busy."""
    items: list[dict[str, Any]] = []
    query = {**listed.query, "limit": 2}
    for page in range(200):
        shown = await done(client, "GET", f"{API}/{listed.path}?{httpx.QueryParams(query)}")
        assert len(shown["items"]) == 2 or shown["next_page"] is None
        items += shown["items"]
        if shown["next_page"] is None:
            return items
        query["page"] = shown["next_page"]
        if page < busy_hours:
            await busy(client, page)
    raise AssertionError("there is no end of pages")


@every_list
async def test_what_happens_between_the_pages_neither_doubles_nor_hides(
    shop: httpx.AsyncClient, listed: Listed
) -> None:
    def names(items: list[dict[str, Any]], fields: tuple[str, ...] = listed.name) -> list[tuple[Any, ...]]:
        return [tuple(item[name] for name in fields) for item in items]

    before = names(await walk(shop, listed))
    assert len(before) > 4, "too few to page through"
    walked = await walk(shop, listed, busy_hours=3)
    after = names(await walk(shop, listed))

    shown = names(walked, listed.once or listed.name)
    assert len(set(shown)) == len(shown)
    assert set(before) & set(after) <= set(names(walked))
    assert set(after) != set(before) or listed.query, "nothing was added meanwhile"


async def test_a_page_beyond_the_end_is_empty(shop: httpx.AsyncClient) -> None:
    for listed in LISTS:
        query = {**listed.query, "page": encode_cursor(*listed.beyond)}
        page = await done(shop, "GET", f"{API}/{listed.path}?{httpx.QueryParams(query)}")
        assert (page["items"], page["next_page"]) == ([], None), listed


def foreign(listed: Listed) -> list[str]:
    """Cursors of other lists, and those that look nearly like one of this."""
    kind, *key = listed.beyond
    cursors = [other.beyond for other in LISTS if other.beyond[0] != kind]
    cursors += [(kind,), (kind, *key, 1), (kind, *["x"] * len(key)), (kind, *[None] * len(key))]
    cursors += [(kind, *[2**63 if type(part) is int else 1 for part in key])]
    cursors += [(kind, moment, *key[1:]) for moment in ("2001-01-01T00:00:00", "0001-01-01T00:00:00+14:00")]
    return [*(encode_cursor(*cursor) for cursor in cursors), "x", "é", "%", "a" * 401, "W1tbW1tb", "W10", "WzFd"]


async def test_a_cursor_that_is_not_of_this_list_is_422(client: httpx.AsyncClient) -> None:
    for listed in LISTS:
        for cursor in foreign(listed):
            answer = await client.get(f"{API}/{listed.path}", params={**listed.query, "page": cursor})
            assert answer.status_code == 422, (listed, cursor)
            assert answer.json()["errors"][0]["field"] == "page"


async def test_a_page_has_one_to_a_thousand_rows(client: httpx.AsyncClient) -> None:
    for listed in LISTS:
        for limit in ("0", "-1", "1001", "x", "1.5", ""):
            answer = await client.get(f"{API}/{listed.path}", params={**listed.query, "limit": limit})
            assert answer.status_code == 422, (listed, limit)
            assert answer.json()["errors"][0]["field"] == "limit"
