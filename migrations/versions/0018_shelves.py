"""Where on a shelf a product lies, and the marks of units that were sold."""

from autoshop.kit.migrate import run_sql_beside

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    run_sql_beside(__file__)
