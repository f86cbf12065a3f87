"""Holidays of the whole network, and days on which a van does not go."""

from autoshop.kit.migrate import run_sql_beside

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    run_sql_beside(__file__)
