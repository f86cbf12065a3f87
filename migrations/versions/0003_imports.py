"""Imports: uploaded files, runs and what was wrong with the rows; indexes for the lists of products."""

from autoshop.kit.migrate import run_sql_beside

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    run_sql_beside(__file__)
