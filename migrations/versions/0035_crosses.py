"""Links between articles: which stands for which, and what a person has to look at first."""

from autoshop.kit.migrate import run_sql_beside

revision = "0035"
down_revision = "0034"


def upgrade() -> None:
    run_sql_beside(__file__)
