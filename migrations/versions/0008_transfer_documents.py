"""Transfers become documents: asked for, shipped in parts, received with differences."""

from autoshop.kit.migrate import run_sql_beside

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    run_sql_beside(__file__)
