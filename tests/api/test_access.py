"""Every route × every caller, and the store-bound clerk at the wrong store."""

import asyncio
import re
import time
from typing import Any

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from autoshop.accounts import service as accounts_service
from autoshop.accounts.model import ROLES, SCOPES
from autoshop.accounts.service import SESSION_COOKIE, revoke_token
from autoshop.inventory.movements.model import Movement
from autoshop.kit.db import Pool, transaction
from tests.allocations import allocate
from tests.cast import CENTRE, CENTRE_CODE, NORTH, NORTH_CODE, PLUG
from tests.conftest import Database, client_for, running_app
from tests.ledger import movements, post, request
from tests.people import PASSWORD, SYSTEM, clerk_of_centre, clerk_of_north, hire, signed_in, with_token
from tests.returns import send_back
from tests.routes import ENDLESS, Declared, routes_of
from tests.stocktakes import open_stocktake

pytestmark = pytest.mark.anyio

STRANGER = "203.0.113.9"
SESSION = "/api/v1/session"
ENDS_SESSION = (SESSION, "/office/sign-out")  # would end the very session that is tried
MOVEMENT = "/api/v1/inventory/movement"
SALE = {"product_id": PLUG, "store_id": CENTRE, "movement_type": "sale", "quantity": 1}


async def ask(client: httpx.AsyncClient, route: Declared, headers: dict[str, str]) -> httpx.Response:
    """Call a route with ids that nobody has and an empty body: it goes no further than the door, or just behind it."""
    path = re.sub(r"\{[^}]+\}", "999999", route.path)
    path += "?product_id=0" if str(route) in ENDLESS else ""
    body: dict[str, Any] = {} if route.method in ("GET", "DELETE") else {"json": {}}
    return await client.request(route.method, path, headers=headers, **body)


async def test_every_route_lets_in_whom_it_declares_and_nobody_else(app: FastAPI, database: Database) -> None:
    pool: Pool = app.state.pool
    callers: list[tuple[str, str, dict[str, str], frozenset[str] | None]] = [
        ("nobody", STRANGER, {}, frozenset()),
        ("clerk of the centre", STRANGER, await clerk_of_centre(app), ROLES["clerk"]),
        ("clerk of the north", STRANGER, await clerk_of_north(app), ROLES["clerk"]),
        ("buyer", STRANGER, await signed_in(app, "anna", "buyer"), ROLES["buyer"]),
        ("manager", STRANGER, await signed_in(app, "ivan", "manager"), ROLES["manager"]),
        ("owner", STRANGER, await signed_in(app, "boss", "owner"), ROLES["owner"]),
        ("trusted network", "127.0.0.1", {}, ROLES["manager"]),
        ("next to the trusted network", "128.0.0.1", {}, frozenset()),
        ("unknown cookie", STRANGER, {"Cookie": f"{SESSION_COOKIE}=guess"}, frozenset()),
        (
            "token bound to a store",
            STRANGER,
            await with_token(pool, "till", ["inventory:write"], CENTRE_CODE),
            frozenset({"inventory:write"}),
        ),
        ("wrong token", STRANGER, {"Authorization": "Bearer as_guess"}, None),
        ("wrong token from the trusted network", "127.0.0.1", {"Authorization": "Bearer as_guess"}, None),
        ("password instead of a token", "127.0.0.1", {"Authorization": "Basic dmVyYTp4"}, None),
        *[
            (f"token for {scope}", STRANGER, await with_token(pool, scope, [scope]), frozenset({scope}))
            for scope in SCOPES
        ],
    ]
    expired = await signed_in(app, "petr", "owner")
    for name in ("expired", "revoked"):
        callers.append((f"{name} token", STRANGER, await with_token(pool, name, list(SCOPES)), None))
    callers.append(("expired session", STRANGER, expired, frozenset()))
    gone = await signed_in(app, "left", "owner")
    callers.append(("dismissed", STRANGER, gone, frozenset()))
    with psycopg.connect(database.owner_url) as db:
        db.execute("UPDATE api_tokens SET expires_at = now() WHERE name = 'expired'")
        db.execute("UPDATE api_tokens SET revoked_at = now() WHERE name = 'revoked'")
        db.execute(
            "UPDATE staff_sessions SET expires_at = now() WHERE staff_id = (SELECT id FROM staff WHERE login = 'petr')"
        )
        db.execute("UPDATE staff SET active = false WHERE login = 'left'")

    routes = [route for route in routes_of(app) if route.scope is not None and route.path not in ENDS_SESSION]
    assert len(routes) > 20
    wrong = []
    for name, address, headers, scopes in callers:
        async with client_for(app, address) as client:
            for route in routes:
                answer = await ask(client, route, headers)
                if scopes is None and route.scope != "anybody":
                    expected = {401}
                elif route.scope == "anybody" or (scopes and route.scope in scopes):
                    expected = set(range(200, 500)) - {401, 403, 405}
                else:
                    expected = {403} if scopes else {401}
                if answer.status_code not in expected:
                    wrong.append(f"{name}: {route} → {answer.status_code} {answer.text[:100]}")
    assert wrong == []


async def test_who_is_refused_hears_why_and_how_to_sign_in(app: FastAPI) -> None:
    async with client_for(app, STRANGER) as client:
        answer = await client.post(MOVEMENT, json=SALE)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.headers["content-type"] == "application/problem+json"
        token = await with_token(app.state.pool, "reader", ["inventory:read"])
        answer = await client.post(MOVEMENT, json=SALE, headers=token)
        assert (answer.status_code, answer.json()["scope"]) == (403, "inventory:write")


async def test_in_production_the_bare_lines_answer_401(database: Database) -> None:
    async with running_app(database.settings(trust="")) as app, client_for(app, "127.0.0.1") as client:
        assert (await client.get("/health")).status_code == 200
        assert (await client.get("/api/v1/inventory/status")).status_code == 401
        assert (await client.post(MOVEMENT, json=SALE)).status_code == 401


async def test_a_forwarded_address_makes_nobody_a_manager(database: Database) -> None:
    async with running_app(database.settings(proxies="10.0.0.0/8")) as app:
        forged = {"X-Forwarded-For": "127.0.0.1"}
        async with client_for(app, STRANGER) as client:
            assert (await client.get("/api/v1/inventory/status", headers=forged)).status_code == 401
        async with client_for(app, "10.0.0.2") as client:  # our proxy: it appends whom it saw
            forged["X-Forwarded-For"] = f"127.0.0.1, {STRANGER}"
            assert (await client.get("/api/v1/inventory/status", headers=forged)).status_code == 401


# ------------------------------------------------------------------------------------------------ stores
def writes_at_the_centre(
    inbound: Movement, sent: Movement, supplier_return_id: int, stocktake_id: int, allocation_id: int
) -> list[tuple[str, dict[str, Any]]]:
    """What only whoever acts for the centre may do there."""
    held = {name: SALE[name] for name in ("product_id", "store_id", "quantity")}
    order = {"store_id": CENTRE, "holder": "a", "lines": [{"product_id": PLUG, "quantity": 1}]}
    kit = {"vehicle": "lada/vesta/i", "store_id": CENTRE, "tier": "economy", "total_kopecks": 0, "holder": "a"}
    count = {"client_id": "a", "product_id": PLUG, "pieces": 1, "device": "a"}
    piece = {"product_id": PLUG, "quantity": 1}
    place = {name: SALE[name] for name in ("product_id", "store_id")}
    return [
        (MOVEMENT, SALE),
        (MOVEMENT, {**SALE, "movement_type": "transfer", "to_store_id": NORTH}),
        (MOVEMENT, {**SALE, "movement_type": "adjustment"}),
        ("/api/v1/inventory/movements", {"lines": [{**SALE, "store_id": NORTH}, SALE]}),
        ("/api/v1/documents", {"kind": "receipt", "store_id": CENTRE, "lines": [piece]}),
        ("/api/v1/inventory/reservations", {"holder": "a", "lines": [held]}),
        ("/api/v1/inventory/allocations", order),
        ("/api/v1/inventory/allocations", {**order, "preview": True}),
        (f"/api/v1/inventory/allocations/{allocation_id}/cancellation", {}),
        ("/api/v1/kits/to15/reservations", kit),
        ("/api/v1/inventory/stocktakes", {"store_id": CENTRE, "scope": {"kind": "store"}}),
        (f"/api/v1/inventory/stocktakes/{stocktake_id}/counts", {"counts": [count]}),
        (f"/api/v1/inventory/stocktakes/{stocktake_id}/retractions", {"counts": ["a"]}),
        ("/api/v1/inventory/found-sale", {**held, "reason": "found"}),
        ("/api/v1/inventory/shelves", {"items": [{**place, "places": ["A-1"]}]}),
        ("/api/v1/inventory/returns", {"store_id": CENTRE, "lines": [{**piece, "condition": "damaged"}]}),
        ("/api/v1/inventory/supplier-returns", {"store_id": CENTRE, "supplier": "a", "lines": [piece]}),
        (f"/api/v1/inventory/supplier-returns/{supplier_return_id}/reversal", {}),
        (f"/api/v1/inventory/movements/{inbound.id}/reversal", {}),
        (f"/api/v1/inventory/movements/{sent.id}/reversal", {}),
        (f"/api/v1/inventory/transfers/{sent.transfer_id}/recall", {}),
        (f"/api/v1/inventory/transfers/{sent.transfer_id}/shipment", {}),
    ]


async def test_a_clerk_cannot_touch_the_other_store(app: FastAPI) -> None:
    pool: Pool = app.state.pool
    inbound, _, sent = await post(
        pool,
        request("inbound", 10),
        request("inbound", 10, store_id=NORTH),
        request("transfer", 1, to_store_id=NORTH),
    )
    of_north = await clerk_of_north(app)
    of_centre = await clerk_of_centre(app)
    token_of_north = await with_token(
        pool, "north", ["inventory:write", "inventory:read", "documents:write"], NORTH_CODE
    )
    gone = await send_back(pool, (PLUG, 1))
    before = await movements(pool)
    here = {**SALE, "store_id": NORTH}
    stocktake = await open_stocktake(pool, PLUG)
    foreign = writes_at_the_centre(inbound, sent, gone.id, stocktake.id, (await allocate(pool, (PLUG, 1))).id)
    async with client_for(app, STRANGER) as client:
        for headers in (of_north, token_of_north):
            for path, body in foreign:
                answer = await client.post(path, json=body, headers=headers)
                assert (answer.status_code, answer.json()["title"]) == (403, "Not your store"), (path, answer.text)
            shelf, none = f"/api/v1/inventory/shelves/{CENTRE}/{PLUG}", {"If-Match": '"0"'}
            said = await client.put(shelf, json={"places": ["A-1"]}, headers={**headers, **none})
            taken = await client.delete(shelf, headers={**headers, **none})
            assert (said.status_code, taken.status_code) == (403, 403)
        receipt = f"/api/v1/inventory/transfers/{sent.transfer_id}/receipt"
        lost = {"lines": [{"product_id": PLUG, "quantity": 1, "reason": "lost"}]}
        for path, body in [(receipt, {}), (receipt.replace("receipt", "differences"), lost)]:
            answer = await client.post(path, json=body, headers=of_centre)  # the sender does not receive
            assert (answer.status_code, answer.json()["store_id"]) == (403, NORTH)
        assert await movements(pool) == before

        assert (await client.post(MOVEMENT, json=here, headers=of_north)).status_code == 200
        assert (await client.post(receipt, headers=of_north)).status_code == 200
        assert (await client.post(MOVEMENT, json=SALE, headers=of_centre)).status_code == 200
        reading = await client.get("/api/v1/inventory/status", headers=of_north)
        assert {row["store_id"] for row in reading.json()["items"]} == {CENTRE, NORTH}, "everybody sees all stores"


async def test_a_key_is_one_persons_own(app: FastAPI) -> None:
    await post(app.state.pool, request("inbound", 10), request("inbound", 10, store_id=NORTH))
    async with client_for(app, STRANGER) as client:
        for clerk, store_id in [(await clerk_of_north(app), NORTH), (await clerk_of_centre(app), CENTRE)]:
            body = {**SALE, "store_id": store_id}
            answer = await client.post(MOVEMENT, json=body, headers={**clerk, "Idempotency-Key": "1"})
            assert answer.status_code == 200, answer.text


# ------------------------------------------------------------------------------------------------ browsers
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://[::1"},
    ],
)
async def test_a_page_of_another_site_changes_nothing(
    client: httpx.AsyncClient, pool: Pool, headers: dict[str, str]
) -> None:
    await post(pool, request("inbound", 10))
    answer = await client.post(MOVEMENT, json=SALE, headers=headers)
    assert (answer.status_code, answer.json()["title"]) == (403, "Cross-site write refused")
    assert await movements(pool) == 1
    assert (await client.get("/api/v1/inventory/status", headers=headers)).status_code == 200


async def test_our_own_page_may_write(client: httpx.AsyncClient, pool: Pool) -> None:
    await post(pool, request("inbound", 10))
    for headers in ({"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://test"}, {}):
        assert (await client.post(MOVEMENT, json=SALE, headers=headers)).status_code == 200


async def test_another_host_name_is_not_served(client: httpx.AsyncClient) -> None:
    for host in ("evil.example", "", "test.evil.example", "test@evil.example"):
        answer = await client.get("/health", headers={"Host": host})
        assert (answer.status_code, answer.json()["status"]) == (421, 421), host
    assert (await client.get("/health", headers={"Host": "TEST:8080"})).status_code == 200


# ------------------------------------------------------------------------------------------------ sessions
async def test_a_wrong_password_opens_nothing(app: FastAPI) -> None:
    await hire(app.state.pool, "vera", "clerk", CENTRE_CODE)
    async with client_for(app, STRANGER) as client:
        for body in [
            {"login": "vera", "password": "wrong"},
            {"login": "nobody", "password": PASSWORD},
            {"login": "vera'--", "password": PASSWORD},
        ]:
            answer = await client.post(SESSION, json=body)
            assert answer.status_code == 401
            assert "set-cookie" not in answer.headers
        misshapen: list[dict[str, object]] = [
            {"login": "vera"},
            {"login": "", "password": "x"},
            {"login": "v\x00", "password": "x"},
            {"login": 5, "password": []},
        ]
        for wrong in misshapen:
            assert (await client.post(SESSION, json=wrong)).status_code == 422


async def test_after_ten_wrong_passwords_it_is_time_to_wait(app: FastAPI) -> None:
    await hire(app.state.pool, "vera", "clerk", CENTRE_CODE)
    async with client_for(app, STRANGER) as client:
        for _ in range(10):
            await client.post(SESSION, json={"login": "vera", "password": "wrong"})
        answer = await client.post(SESSION, json={"login": " VERA ", "password": PASSWORD})
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) > 0
    async with client_for(app, "203.0.113.10") as client:  # the shop's own till still works
        assert (await client.post(SESSION, json={"login": "vera", "password": PASSWORD})).status_code == 204


async def test_one_address_cannot_try_a_password_on_everybody(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts_service, "MOST_FROM_ADDRESS", 5)
    async with client_for(app, STRANGER) as client:
        statuses = [
            (await client.post(SESSION, json={"login": f"clerk-{n}", "password": PASSWORD})).status_code
            for n in range(7)
        ]
    assert statuses == [401] * 5 + [429] * 2


async def test_one_stuck_till_and_right_passwords_shut_nobody_out(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole shop sits behind one address."""
    monkeypatch.setattr(accounts_service, "MOST_FROM_ADDRESS", 12)
    for login in ("vera", "oleg"):
        await hire(app.state.pool, login, "clerk", CENTRE_CODE)
    async with client_for(app, STRANGER) as client:
        for _ in range(30):
            await client.post(SESSION, json={"login": "vera", "password": "wrong"})
        statuses = [
            (await client.post(SESSION, json={"login": "oleg", "password": PASSWORD})).status_code for _ in range(5)
        ]
    assert statuses == [204] * 5


async def test_sign_in_look_around_sign_out(app: FastAPI) -> None:
    await hire(app.state.pool, "vera", "clerk", CENTRE_CODE)
    async with client_for(app, STRANGER) as client:
        answer = await client.post(SESSION, json={"login": "Vera", "password": PASSWORD})
        assert answer.status_code == 204
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=lax" in cookie
        me = (await client.get(SESSION)).json()
        assert (me["kind"], me["name"], me["role"], me["store_ids"]) == ("staff", "vera", "clerk", [CENTRE])
        token = client.cookies[SESSION_COOKIE]

        assert (await client.delete(SESSION)).status_code == 204
        assert SESSION_COOKIE not in client.cookies
        await asyncio.sleep(1.1)  # a session is remembered for a second
        again = await client.get(SESSION, headers={"Cookie": f"{SESSION_COOKIE}={token}"})
        assert again.json()["kind"] == "anonymous"
        assert (await client.delete(SESSION)).status_code == 204, "twice is no error"


async def test_what_is_stored_of_a_session_or_token_opens_nothing(app: FastAPI) -> None:
    await signed_in(app, "vera", "clerk", CENTRE_CODE)
    await with_token(app.state.pool, "till", ["inventory:read"])
    hashes = await app.state.pool.fetch(
        "SELECT token_hash FROM staff_sessions UNION ALL SELECT token_hash FROM api_tokens"
    )
    async with client_for(app, STRANGER) as client:
        for row in hashes:
            stolen = row["token_hash"].hex()
            assert (await client.get(SESSION, headers={"Authorization": f"Bearer {stolen}"})).status_code == 401
            seen = await client.get(SESSION, headers={"Cookie": f"{SESSION_COOKIE}={stolen}"})
            assert seen.json()["kind"] == "anonymous"


async def test_a_session_is_no_token_and_a_token_no_session(app: FastAPI) -> None:
    session = (await clerk_of_centre(app))["Cookie"].partition("=")[2]
    token = (await with_token(app.state.pool, "till", ["inventory:read"]))["Authorization"].removeprefix("Bearer ")
    async with client_for(app, STRANGER) as client:
        cookie, bearer = {"Cookie": f"{SESSION_COOKIE}={session}"}, {"Authorization": f"Bearer {token}"}
        for _ in range(2):  # the second time both are remembered
            assert (await client.get(SESSION, headers=cookie)).json()["name"] == "vera"
            assert (await client.get(SESSION, headers=bearer)).json()["name"] == "till"
            assert (await client.get(SESSION, headers={"Authorization": f"Bearer {session}"})).status_code == 401
            swapped = await client.get(SESSION, headers={"Cookie": f"{SESSION_COOKIE}={token}"})
            assert swapped.json()["kind"] == "anonymous"


async def test_a_revoked_token_is_useless_within_two_seconds(app: FastAPI) -> None:
    token = await with_token(app.state.pool, "till", ["inventory:read"])
    async with client_for(app, STRANGER) as client:
        assert (await client.get("/api/v1/inventory/status", headers=token)).status_code == 200
        async with transaction(app.state.pool) as db:
            await revoke_token(db, SYSTEM, "till")
        revoked = time.monotonic()
        while (await client.get("/api/v1/inventory/status", headers=token)).status_code == 200:
            assert time.monotonic() - revoked < 2
            await asyncio.sleep(0.1)
