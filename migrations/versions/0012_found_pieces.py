"""Selling what is in one's hand although the ledger says it is not there."""

from autoshop.kit.migrate import run_sql_beside

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    run_sql_beside(__file__)
