"""Counts can be taken back by who made them."""

from autoshop.kit.migrate import run_sql_beside

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    run_sql_beside(__file__)
