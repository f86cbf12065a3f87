"""Whole kopecks by the database, rounded as everywhere."""

from autoshop.kit.migrate import run_sql_beside

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    run_sql_beside(__file__)
