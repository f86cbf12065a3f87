"""What customers bring back and what goes back to suppliers, as documents."""

from autoshop.kit.migrate import run_sql_beside

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    run_sql_beside(__file__)
