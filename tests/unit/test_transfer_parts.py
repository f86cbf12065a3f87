"""When what is on the way is due: of several shipments, the oldest that has not come."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoshop.inventory.transfers.model import Part, TransferLine, due_at

MONDAY, TUESDAY, FRIDAY = (datetime(2026, 6, day, 17, tzinfo=UTC) for day in (1, 2, 5))
PARTS = [Part(MONDAY, {1: 2}), Part(TUESDAY, {1: 3, 2: 1}), Part(FRIDAY, {1: 1})]


def line(product_id: int = 1, shipped: int = 6, received: int = 0, returned: int = 0, lost: int = 0) -> TransferLine:
    return TransferLine(product_id, shipped, 0, shipped, received, returned, lost, 0)


@pytest.mark.parametrize(
    ("lines", "due"),
    [
        ([line()], MONDAY),
        ([line(received=1)], MONDAY),
        ([line(received=2)], TUESDAY),
        ([line(received=4, lost=1)], FRIDAY),
        ([line(received=6)], None),
        ([line(received=2, returned=3)], TUESDAY),  # what was called back was of the newest
        ([line(received=2, returned=4)], None),
        ([line(received=5), line(2, 1)], TUESDAY),
        ([line(received=5), line(2, 1, 1)], FRIDAY),
        ([], None),
    ],
)
def test_the_oldest_shipment_that_has_not_come_is_due(lines: list[TransferLine], due: datetime | None) -> None:
    assert due_at(PARTS, lines) == due


@given(st.lists(st.integers(1, 5), min_size=1, max_size=5), st.data())
def test_something_is_due_exactly_while_something_is_on_the_way(sent: list[int], data: st.DataObject) -> None:
    parts = [Part(MONDAY + timedelta(days=number), {1: pieces}) for number, pieces in enumerate(sent)]
    received = data.draw(st.integers(0, sum(sent)))
    returned = data.draw(st.integers(0, sum(sent) - received))
    one = line(shipped=sum(sent), received=received, returned=returned)
    due = due_at(parts, [one])
    assert (due is not None) == (one.on_the_way > 0)
    assert due is None or MONDAY <= due <= parts[-1].eta_at
