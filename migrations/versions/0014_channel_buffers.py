"""Channels, and the pieces that are never shown to them."""

from autoshop.kit.migrate import run_sql_beside

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    run_sql_beside(__file__)
