"""A plus at the end of an article is part of its key."""

from autoshop.kit.migrate import run_sql_beside

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    run_sql_beside(__file__)
