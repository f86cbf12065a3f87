"""Orders spread over stores: where the pieces come from, until when they are promised, and whether that was kept."""

from autoshop.kit.migrate import run_sql_beside

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    run_sql_beside(__file__)
