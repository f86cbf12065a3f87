"""Selling what is in one's hand although the ledger says it is not there."""

from autoshop.kit.migrate import run_sql_beside

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    run_sql_beside(__file__)
