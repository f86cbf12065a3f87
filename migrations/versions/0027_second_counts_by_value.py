"""A second limit for second counts: what the difference is worth."""

from autoshop.kit.migrate import run_sql_beside

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    run_sql_beside(__file__)
