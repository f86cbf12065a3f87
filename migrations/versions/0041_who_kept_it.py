"""Who bought a part for a car and kept it says something of it too."""

from autoshop.kit.migrate import run_sql_beside

revision = "0041"
down_revision = "0040"


def upgrade() -> None:
    run_sql_beside(__file__)
