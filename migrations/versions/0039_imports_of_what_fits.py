"""Crosses and fitments from files; each source of fitments has its own say."""

from autoshop.kit.migrate import run_sql_beside

revision = "0039"
down_revision = "0038"


def upgrade() -> None:
    run_sql_beside(__file__)
