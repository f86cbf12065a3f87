"""Stocktakes of shelves; their lines in the order in which one walks."""

from autoshop.kit.migrate import run_sql_beside

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    run_sql_beside(__file__)
