"""Documents of thousands of lines: kept first, then checked and posted by a worker."""

from autoshop.kit.migrate import run_sql_beside

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    run_sql_beside(__file__)
