"""Each shipment of a transfer has its own arrival; what was lost may be found; what came in excess is recounted."""

from autoshop.kit.migrate import run_sql_beside

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    run_sql_beside(__file__)
