"""Every change of what fits leaves a mark, so that nothing older is remembered."""

from autoshop.kit.migrate import run_sql_beside

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    run_sql_beside(__file__)
