"""How many of a product a store should have, who is below it, and what was said of that each morning."""

from autoshop.kit.migrate import run_sql_beside

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    run_sql_beside(__file__)
