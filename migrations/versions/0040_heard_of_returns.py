"""What came back because it did not fit is feedback by itself, of the car that the purchase was for."""

from autoshop.kit.migrate import run_sql_beside

revision = "0040"
down_revision = "0039"


def upgrade() -> None:
    run_sql_beside(__file__)
