"""Buyers' cars: whose they are, what their odometers read, what was done."""

from autoshop.kit.migrate import run_sql_beside

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    run_sql_beside(__file__)
