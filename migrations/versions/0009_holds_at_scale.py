"""Holds in a large shop: what is asked every day finds an index, and who held is forgotten in time."""

from autoshop.kit.migrate import run_sql_beside

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    run_sql_beside(__file__)
