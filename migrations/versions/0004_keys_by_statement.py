"""References of the large tables are checked once a statement instead of once a row."""

from autoshop.kit.migrate import run_sql_beside

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    run_sql_beside(__file__)
