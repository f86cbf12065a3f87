"""The name of a token that was revoked can be given again."""

from autoshop.kit.migrate import run_sql_beside

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    run_sql_beside(__file__)
