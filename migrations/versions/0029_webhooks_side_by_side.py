"""How many messages of a webhook may be under way at once."""

from autoshop.kit.migrate import run_sql_beside

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    run_sql_beside(__file__)
