"""What is written at night by the million is counted at once."""

from autoshop.kit.migrate import run_sql_beside

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    run_sql_beside(__file__)
