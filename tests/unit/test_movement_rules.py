"""The rules of a movement that need no database."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoshop.inventory.movements.model import (
    InsufficientStock,
    Line,
    MovementRequest,
    MovementType,
    Place,
    UnknownProduct,
    UnknownStore,
    check_destination,
    refusal_for,
    signed,
    sum_up,
)
from autoshop.kit.errors import Invalid
from tests.ledger import line, request

DECODER = msgspec.json.Decoder(MovementRequest)


@pytest.mark.parametrize("movement_type", ["inbound", "sale", "return", "transfer", "writeoff"])
@pytest.mark.parametrize("quantity", [0, -1, -1_000_000])
def test_only_an_adjustment_may_be_negative(movement_type: str, quantity: int) -> None:
    with pytest.raises(Invalid):
        signed(movement_type, quantity)


def test_an_adjustment_of_nothing_is_refused() -> None:
    with pytest.raises(Invalid):
        signed("adjustment", 0)


@pytest.mark.parametrize(
    ("movement_type", "quantity", "delta"),
    [
        ("inbound", 3, 3),
        ("sale", 3, -3),
        ("return", 3, 3),
        ("transfer", 3, -3),
        ("writeoff", 3, -3),
        ("adjustment", 3, 3),
        ("adjustment", -3, -3),
    ],
)
def test_pieces_come_or_go_by_type(movement_type: str, quantity: int, delta: int) -> None:
    assert signed(movement_type, quantity) == delta


@pytest.mark.parametrize("to_store_id", [None, 1])
def test_a_transfer_must_name_another_store(to_store_id: int | None) -> None:
    with pytest.raises(Invalid) as refused:
        check_destination(request("transfer", 1, store_id=1, to_store_id=to_store_id))
    assert refused.value.facts["errors"][0]["field"] == "to_store_id"


@pytest.mark.parametrize("movement_type", ["inbound", "sale", "return", "writeoff", "adjustment"])
def test_nothing_but_a_transfer_goes_to_another_store(movement_type: MovementType) -> None:
    with pytest.raises(Invalid):
        check_destination(request(movement_type, 1, to_store_id=2))


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b"1", b"{}", b'{"product_id": 1}', b"\xff\xfe",
        b'{"product_id":1,"store_id":1,"movement_type":"sale","quantity":1.5}',
        b'{"product_id":1,"store_id":1,"movement_type":"sale","quantity":"1"}',
        b'{"product_id":1,"store_id":1,"movement_type":"sale","quantity":true}',
        b'{"product_id":1,"store_id":1,"movement_type":"sale","quantity":null}',
        b'{"product_id":1,"store_id":1,"movement_type":"sale","quantity":1000001}',
        b'{"product_id":1,"store_id":1,"movement_type":"sale","quantity":99999999999999999999999}',
        b'{"product_id":0,"store_id":1,"movement_type":"sale","quantity":1}',
        b'{"product_id":9223372036854775808,"store_id":1,"movement_type":"sale","quantity":1}',
        b'{"product_id":1,"store_id":-1,"movement_type":"sale","quantity":1}',
        b'{"product_id":1,"store_id":1,"movement_type":"gift","quantity":1}',
        b'{"product_id":1,"store_id":1,"movement_type":"sale","quantity":1,"colour":"red"}',
        b'{"product_id":1,"store_id":1,"movement_type":"sale","quantity":1,"related_document":"a\\u0000b"}',
        b'{"product_id":1,"store_id":1,"movement_type":"sale","quantity":1,"reason":"\\ud800"}',
        b'{"product_id":1,"store_id":1,"movement_type":"sale","quantity":1}{}',
    ],
)  # fmt: skip
def test_a_badly_shaped_movement_cannot_be_read(body: bytes) -> None:
    with pytest.raises((msgspec.MsgspecError, UnicodeDecodeError)):
        DECODER.decode(body)


def test_the_first_reason_is_told() -> None:
    place = Place(1, 1, product_exists=True, store_exists=True, row_exists=True, quantity=5, reserved=2)
    refusal = refusal_for(line(-4), 4, place)
    assert isinstance(refusal, InsufficientStock)
    assert (refusal.facts["asked"], refusal.facts["available"], refusal.facts["reserved"]) == (4, 3, 2)
    assert refusal_for(line(-3), 3, place) is None

    nowhere = Place(1, 1, product_exists=False, store_exists=False, row_exists=False, quantity=0, reserved=0)
    assert isinstance(refusal_for(line(-1), 1, nowhere), UnknownProduct)
    no_store = Place(1, 1, product_exists=True, store_exists=False, row_exists=False, quantity=0, reserved=0)
    assert isinstance(refusal_for(line(-1), 1, no_store), UnknownStore)


LINES = st.lists(
    st.builds(
        lambda product_id, store_id, delta: Line(product_id, store_id, "adjustment", delta, "system:test"),
        st.integers(1, 3),
        st.integers(1, 2),
        st.integers(-20, 20).filter(bool),
    ),
    min_size=1,
    max_size=30,
)


@given(lines=LINES, start=st.integers(0, 60), reserved=st.integers(0, 60))
def test_sums_say_what_doing_it_line_by_line_would(lines: list[Line], start: int, reserved: int) -> None:
    reserved = min(reserved, start)
    sums = sum_up(lines)
    for place, total, lowest in zip(sums.places, sums.totals, sums.lowest, strict=True):
        quantity, fits = start, True
        for number, one in enumerate(lines):
            if one.place == place:
                quantity += one.delta
                fits = fits and quantity >= reserved
                assert start + total + sums.offsets[number] == quantity
        assert start + total == quantity
        assert (start + lowest >= reserved) == fits
    assert sorted(sums.places) == sorted({one.place for one in lines})
