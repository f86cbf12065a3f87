"""The date on the paper, what pieces cost, and closed periods."""

from autoshop.kit.migrate import run_sql_beside

revision = "0017"
down_revision = "0007"


def upgrade() -> None:
    run_sql_beside(__file__)
