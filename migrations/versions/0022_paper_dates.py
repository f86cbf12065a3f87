"""The date on the paper, what pieces cost, and closed periods."""

from autoshop.kit.migrate import run_sql_beside

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    run_sql_beside(__file__)
