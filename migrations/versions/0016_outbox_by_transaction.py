"""The outbox is read by transaction."""

from autoshop.kit.migrate import run_sql_beside

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    run_sql_beside(__file__)
