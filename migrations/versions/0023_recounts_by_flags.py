"""Whoever gets pieces that nobody sent raises a recount flag: one list of what ought to be counted."""

from autoshop.kit.migrate import run_sql_beside

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    run_sql_beside(__file__)
