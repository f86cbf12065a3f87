"""Bulk documents that set places on shelves, and that ask other stores for pieces."""

from autoshop.kit.migrate import run_sql_beside

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    run_sql_beside(__file__)
