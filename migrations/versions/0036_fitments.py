"""What fits which car, and what buyers say of it."""

from autoshop.kit.migrate import run_sql_beside

revision = "0036"
down_revision = "0035"


def upgrade() -> None:
    run_sql_beside(__file__)
