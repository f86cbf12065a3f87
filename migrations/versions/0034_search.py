"""Search: a plus at the end of an article counts; names are indexed beside the products, by the worker."""

from autoshop.kit.migrate import run_sql_beside

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    run_sql_beside(__file__)
