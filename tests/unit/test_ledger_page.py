"""The ledger's page is written straight from the dataclasses; the OpenAPI document describes it by a model."""

from dataclasses import fields

from autoshop.inventory.movements.api import MovementOut
from autoshop.inventory.movements.model import Movement


def test_a_line_of_the_ledger_has_the_fields_that_are_documented() -> None:
    assert {field.name for field in fields(Movement)} == MovementOut.model_fields.keys()
