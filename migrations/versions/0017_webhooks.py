"""Webhooks: who wants to hear of what, and what each is still to be told."""

from autoshop.kit.migrate import run_sql_beside

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    run_sql_beside(__file__)
