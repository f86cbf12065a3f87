"""Holidays of the whole network, and days on which a van does not go."""

from autoshop.kit.migrate import run_sql_beside

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    run_sql_beside(__file__)
