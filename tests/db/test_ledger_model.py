"""The ledger against a model of a few dozen lines: whatever is done in whatever order, both say the same.

Through the API in this process, with the real database behind it. Each run of the machine has products of its own.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

import httpx
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from autoshop.inventory.stock.service import check_ledger
from autoshop.kit.db import Pool
from tests.cast import CENTRE, NORTH
from tests.conftest import Database, client_for, running_app

INVENTORY = "/api/v1/inventory"
SOUTH = 3  # opened by this test
STORES = (CENTRE, NORTH, SOUTH)
SIGNS = {"inbound": 1, "return": 1, "sale": -1, "writeoff": -1, "transfer": -1, "adjustment": 1}
OTHER_TYPES = sorted(SIGNS.keys() - {"transfer"})
Place = tuple[int, int]  # product, store

products = st.integers(0, 1)  # which of the two products of this run
stores = st.sampled_from(STORES)
few = st.integers(1, 6)
onward = st.integers(1, 2)  # how many stores further a transfer goes


def delta_of(body: dict[str, Any]) -> int:
    """The signed pieces of a line as it is sent."""
    return SIGNS[body["movement_type"]] * int(body["quantity"])


@dataclass
class Posted:
    """A movement that the ledger has, as the model remembers it."""

    id: int
    place: Place
    delta: int
    transfer: int | None = None
    is_reversal: bool = False
    reversed: bool = False


@dataclass
class Model:
    """All that a ledger has to know."""

    quantity: dict[Place, int] = field(default_factory=dict)
    holds: dict[int, dict[Place, int]] = field(default_factory=dict)  # reservation → place → pieces held
    posted: list[Posted] = field(default_factory=list)
    on_the_way: dict[int, dict[int, int]] = field(default_factory=dict)  # transfer → product → pieces
    way: dict[int, tuple[int, int]] = field(default_factory=dict)  # transfer → from, to

    def at(self, place: Place) -> int:
        return self.quantity.get(place, 0)

    def available(self, place: Place) -> int:
        return self.at(place) - self.reserved(place)

    def reserved(self, place: Place) -> int:
        return sum(held.get(place, 0) for held in self.holds.values())

    def left_of(self, shipment: Posted) -> int:
        """Pieces of a shipment's product that are still on the way."""
        assert shipment.transfer is not None
        return self.on_the_way[shipment.transfer].get(shipment.place[0], 0)

    def fits(self, lines: list[tuple[Place, int]]) -> set[Place]:
        """Places where the lines do not fit in their turn."""
        left = {place: self.available(place) for place, _ in lines}
        short = set()
        for place, delta in lines:
            left[place] += delta
            if delta < 0 and left[place] < 0:
                short.add(place)
        return short

    def post(self, answer: dict[str, Any], place: Place, delta: int, **more: Any) -> Posted:
        self.quantity[place] = self.at(place) + delta
        assert (answer["delta"], answer["new_quantity"]) == (delta, self.quantity[place])
        movement = Posted(answer["movement_id"], place, delta, **more)
        self.posted.append(movement)
        return movement

    def ship(self, answer: dict[str, Any], place: Place, pieces: int, to: int) -> None:
        transfer = answer["transfer_id"]
        self.post(answer, place, -pieces, transfer=transfer)
        self.way[transfer] = place[1], to
        on_the_way = self.on_the_way.setdefault(transfer, {})
        on_the_way[place[0]] = on_the_way.get(place[0], 0) + pieces


class Shop:
    """The application, its client and a pool, in an event loop that lives as long as the machine."""

    def __init__(self, runner: asyncio.Runner, database: Database) -> None:
        self.runner = runner
        self._open = AsyncExitStack()
        app = runner.run(self._open.enter_async_context(running_app(database.settings())))
        self.client: httpx.AsyncClient = runner.run(self._open.enter_async_context(client_for(app)))
        self.pool: Pool = app.state.pool
        opened = runner.run(self.client.post("/api/v1/stores", json={"code": "south", "name": "Юг"}))
        assert opened.json()["id"] == SOUTH

    def close(self) -> None:
        self.runner.run(self._open.aclose())

    def ask(self, method: str, path: str, key: str | None = None, **more: Any) -> httpx.Response:
        headers = {"Idempotency-Key": key} if key else {}
        return self.runner.run(self.client.request(method, INVENTORY + path, headers=headers, **more))

    def sql(self, query: str, *values: Any) -> Any:
        return self.runner.run(self.pool.fetchval(query, *values))

    def new_product(self) -> int:
        product: int = self.sql(
            "INSERT INTO products (brand_id, article, article_key, article_loose, name)"
            " SELECT 1, 'M' || n, 'M' || n, 'M' || n, 'Model' FROM nextval('movements_id_seq') AS n RETURNING id"
        )
        return product


class Ledger(RuleBasedStateMachine):
    """What anybody may do to the stock, and what the model expects of it."""

    shop: ClassVar[Shop]
    seen: ClassVar[Counter[str]]
    keys: ClassVar[Iterator[int]] = iter(range(1_000_000))

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.products = [self.shop.new_product() for _ in range(2)]
        self.moments: list[tuple[datetime, dict[Place, int]]] = []
        self.answered: list[tuple[str, str, dict[str, Any], httpx.Response]] = []  # path, key, body, answer

    def place(self, product: int, store: int) -> Place:
        return self.products[product], store

    def refused(self, answer: httpx.Response, place: Place, asked: int) -> None:
        facts = answer.json()
        assert (answer.status_code, facts["title"]) == (409, "Insufficient stock")
        assert (facts["asked"], facts["available"]) == (asked, self.model.available(place))
        self.seen["too few to move"] += 1

    def line(self, product: int, store: int, kind: str, pieces: int, less: bool, further: int = 1) -> dict[str, Any]:
        """A line as it is sent; `less`: an adjustment that takes away."""
        quantity = -pieces if kind == "adjustment" and less else pieces
        body = {"product_id": self.products[product], "store_id": store, "movement_type": kind, "quantity": quantity}
        if kind == "transfer":
            body["to_store_id"] = STORES[(STORES.index(store) + further) % len(STORES)]
        return body

    def send(self, path: str, body: dict[str, Any]) -> httpx.Response:
        """A write under a key of its own, which `repeat` may send again."""
        key = f"write-{next(self.keys)}"
        answer = self.shop.ask("POST", path, key, json=body)
        self.answered.append((path, key, body, answer))
        return answer

    def done(self, body: dict[str, Any], answer: dict[str, Any]) -> None:
        """A line was posted: the model does the same."""
        place = body["product_id"], body["store_id"]
        if body["movement_type"] == "transfer":
            self.model.ship(answer, place, body["quantity"], body["to_store_id"])
        else:
            self.model.post(answer, place, delta_of(body))

    @initialize(pieces=st.lists(st.integers(1, 20), min_size=6, max_size=6))
    def fill(self, pieces: list[int]) -> None:
        for number, quantity in enumerate(pieces):
            self.move(number % 2, STORES[number // 2], "inbound", quantity, False)

    @rule(product=products, store=stores, pieces=few, further=onward)
    def ship(self, product: int, store: int, pieces: int, further: int) -> None:
        self.move(product, store, "transfer", pieces, False, further)

    @rule(product=products, store=stores, kind=st.sampled_from(OTHER_TYPES), pieces=few, less=st.booleans())
    def move(self, product: int, store: int, kind: str, pieces: int, less: bool, further: int = 1) -> None:
        body = self.line(product, store, kind, pieces, less, further)
        place, delta = (body["product_id"], store), delta_of(body)
        answer = self.send("/movement", body)
        if delta < 0 and -delta > self.model.available(place):
            self.refused(answer, place, -delta)
        else:
            self.done(body, answer.json())

    @rule(
        lines=st.lists(
            st.tuples(products, stores, st.sampled_from(sorted(SIGNS)), st.integers(1, 5), st.booleans(), onward),
            min_size=1,
            max_size=6,
        )
    )
    def batch(self, lines: list[tuple[int, int, str, int, bool, int]]) -> None:
        bodies = [self.line(*line) for line in lines]
        wanted = [((body["product_id"], body["store_id"]), delta_of(body)) for body in bodies]
        answer = self.send("/movements", {"lines": bodies})
        short = self.model.fits(wanted)
        if not short:
            self.seen["batch posted"] += 1
            for body, movement in zip(bodies, answer.json()["movements"], strict=True):
                self.done(body, movement)
        elif len(wanted) == 1:
            self.refused(answer, *next((place, -delta) for place, delta in wanted))
        else:
            self.seen["batch refused"] += 1
            assert answer.status_code == 409
            assert {wanted[line["line"]][0] for line in answer.json()["lines"]} == short

    @precondition(lambda self: self.model.posted)
    @rule(data=st.data(), among=st.sampled_from(["all", "on the way", "too late"]))
    def reverse(self, data: st.DataObject, among: str) -> None:
        shipped = [posted for posted in self.model.posted if posted.transfer is not None and posted.delta < 0]
        shipped = [shipment for shipment in shipped if not shipment.reversed]
        late = [shipment for shipment in shipped if self.model.left_of(shipment) < -shipment.delta]
        on_the_way = [shipment for shipment in shipped if shipment not in late]
        chosen = {"all": self.model.posted, "on the way": on_the_way, "too late": late}[among]
        movement = data.draw(st.sampled_from(chosen or self.model.posted))
        answer = self.send(f"/movements/{movement.id}/reversal", {})
        back = -movement.delta
        gone = movement.transfer is not None and (movement.delta > 0 or self.model.left_of(movement) < back)
        if movement.is_reversal or movement.reversed or gone:
            self.seen["called back too late" if movement in late else "reversal refused"] += 1
            assert answer.status_code == 409
        elif back < 0 and -back > self.model.available(movement.place):
            self.seen["too few to reverse"] += 1
            self.refused(answer, movement.place, -back)
        else:
            self.model.post(answer.json(), movement.place, back, transfer=movement.transfer, is_reversal=True)
            movement.reversed = True
            self.seen["reversed" if movement.transfer is None else "called back"] += 1
            if movement.transfer is not None:
                self.model.on_the_way[movement.transfer][movement.place[0]] -= back

    @precondition(lambda self: self.model.way)
    @rule(data=st.data(), pieces=st.none() | few, under_way=st.booleans())
    def receive(self, data: st.DataObject, pieces: int | None, under_way: bool) -> None:
        on_the_way = [transfer for transfer, left in self.model.on_the_way.items() if any(left.values())]
        transfer = data.draw(st.sampled_from((under_way and on_the_way) or sorted(self.model.way)))
        left = {product: pieces for product, pieces in self.model.on_the_way[transfer].items() if pieces}
        received = left
        if pieces is not None:
            received = {data.draw(st.sampled_from(sorted(self.model.on_the_way[transfer]))): pieces}
        lines = [{"product_id": product, "quantity": pieces} for product, pieces in received.items()]
        answer = self.send(f"/transfers/{transfer}/receipt", {} if pieces is None else {"lines": lines})
        if not left or any(asked > left.get(product, 0) for product, asked in received.items()):
            self.seen["more than shipped"] += 1
            assert answer.status_code == 409
            return
        self.seen["received" if received == left else "received in part"] += 1
        posted = {movement["product_id"]: movement for movement in answer.json()["movements"]}
        assert posted.keys() == received.keys()
        for product, asked in received.items():
            self.model.post(posted[product], (product, self.model.way[transfer][1]), asked, transfer=transfer)
            self.model.on_the_way[transfer][product] -= asked
        told = {line["product_id"]: line["on_the_way"] for line in answer.json()["transfer"]["lines"]}
        assert told == self.model.on_the_way[transfer]

    @rule(lines=st.lists(st.tuples(products, stores, st.integers(1, 3)), min_size=1, max_size=3))
    def reserve(self, lines: list[tuple[int, int, int]]) -> None:
        wanted: dict[Place, int] = {}
        for product, store, pieces in lines:
            place = self.place(product, store)
            wanted[place] = wanted.get(place, 0) + pieces
        body = {"holder": "Ivan", "lines": [self.held_line(*line) for line in lines]}
        answer = self.send("/reservations", body)
        if any(pieces > self.model.available(place) for place, pieces in wanted.items()):
            assert answer.status_code == 409
            self.seen["too few to reserve"] += 1
        else:
            assert answer.status_code == 201
            self.model.holds[answer.json()["id"]] = wanted
            self.seen["reserved"] += 1

    def held_line(self, product: int, store: int, pieces: int) -> dict[str, int]:
        return {"product_id": self.products[product], "store_id": store, "quantity": pieces}

    @precondition(lambda self: self.model.holds)
    @rule(
        data=st.data(),
        verb=st.sampled_from(["release", "fulfilment"]),
        pieces=st.sampled_from([None, 1, 2, 9]),
        beyond=st.booleans(),
    )
    def use_hold(self, data: st.DataObject, verb: str, pieces: int | None, beyond: bool) -> None:
        """Of one place some pieces, be they held or not; or all that is held."""
        reservation = data.draw(st.sampled_from(sorted(self.model.holds)))
        held = self.model.holds[reservation]
        place = data.draw(st.sampled_from(sorted(held)))
        wanted = dict(held) if pieces is None else {place: pieces}
        lines = [{"product_id": p, "store_id": s, "quantity": count} for (p, s), count in wanted.items()]
        beyond = beyond and verb == "fulfilment"
        asked = {**({} if pieces is None else {"lines": lines}), **({"beyond_held": True} if beyond else {})}
        answer = self.send(f"/reservations/{reservation}/{verb}", asked)
        if any(count > held[where] + (self.model.available(where) if beyond else 0) for where, count in wanted.items()):
            assert answer.status_code == 409
            self.seen["more than held"] += 1
            return
        self.seen[verb] += 1
        for where, count in wanted.items():
            held[where] -= min(held[where], count)
            if not held[where]:
                del held[where]
        if not held:
            del self.model.holds[reservation]
        if verb == "fulfilment":
            sold = {(one["product_id"], one["store_id"]): one for one in answer.json()["movements"]}
            for where, count in wanted.items():
                self.model.post(sold[where], where, -count)

    @precondition(lambda self: self.model.holds)
    @rule(data=st.data())
    def lapse(self, data: st.DataObject) -> None:
        """Its time runs out, and nobody takes notice."""
        reservation = data.draw(st.sampled_from(sorted(self.model.holds)))
        for table, column in (("reservations", "id"), ("reservation_lines", "reservation_id")):
            self.shop.sql(f"UPDATE {table} SET expires_at = clock_timestamp() WHERE {column} = $1", reservation)
        del self.model.holds[reservation]
        answer = self.send(f"/reservations/{reservation}/fulfilment", {})
        assert (answer.status_code, answer.json()["title"]) == (409, "The reservation has ended")
        self.seen["lapsed"] += 1

    @precondition(lambda self: self.answered)
    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        path, key, body, first = data.draw(st.sampled_from(self.answered))
        again = self.shop.ask("POST", path, key, json=body)
        assert (again.status_code, again.json()) == (first.status_code, first.json())
        other = {key: value for key, value in body.items() if key != "lines"}
        if path == "/movement":
            other["related_document"] = "another"
        elif path == "/movements":
            other["lines"] = [*body["lines"], body["lines"][0]]
        elif path.endswith("receipt"):
            other["lines"] = [{"product_id": self.products[0], "quantity": 999}]
        elif "reservations" in path:
            other["lines"] = [{"product_id": self.products[0], "store_id": CENTRE, "quantity": 999}]
        else:
            other["reason"] = "another"
        assert self.shop.ask("POST", path, key, json=other).status_code == 422
        self.seen["repeated"] += 1

    @rule()
    def remember(self) -> None:
        now = self.shop.sql("SELECT clock_timestamp()")
        self.moments.append((now, dict(self.model.quantity)))

    def teardown(self) -> None:
        self.remember()
        for product in self.products:
            shown = self.shop.ask("GET", f"/{product}").json()
            for here in shown["stores"]:
                place = product, here["store_id"]
                assert (here["quantity"], here["reserved"]) == (self.model.at(place), self.model.reserved(place))
            on_the_way = sum(pieces.get(product, 0) for pieces in self.model.on_the_way.values())
            assert shown["totals"]["quantity"] == sum(self.model.at((product, store)) for store in STORES)
            assert (
                self.shop.sql(
                    "SELECT coalesce(sum(shipped - received - returned - lost - damaged), 0)"
                    " FROM transfer_lines WHERE product_id = $1",
                    product,
                )
                == on_the_way
            )
            for moment, then in self.moments:
                past = self.shop.ask("GET", f"/{product}", params={"at": moment.isoformat()}).json()
                for here in past["items"]:
                    assert here["quantity"] == then.get((product, here["store_id"]), 0)


def test_the_ledger_and_its_model_agree(database: Database) -> None:
    with asyncio.Runner() as runner:
        shop = Shop(runner, database)
        try:
            seen = Counter[str]()
            machine = type("OpenLedger", (Ledger,), {"shop": shop, "seen": seen})
            run_state_machine_as_test(
                machine,
                settings=settings(
                    max_examples=80, stateful_step_count=40, deadline=None, derandomize=True, database=None,
                    report_multiple_bugs=False, suppress_health_check=list(HealthCheck),
                ),
            )  # fmt: skip
            assert runner.run(check_ledger(shop.pool, balances=True)).differences == 0
            assert len(seen) == 18, f"the machine left something out: {seen}"
            assert seen.total() > 500, f"the machine did hardly anything: {seen}"
        finally:
            shop.close()
