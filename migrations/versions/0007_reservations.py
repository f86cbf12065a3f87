"""Holds on pieces, with an expiry."""

from autoshop.kit.migrate import run_sql_beside

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    run_sql_beside(__file__)
