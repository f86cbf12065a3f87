"""An import tells what is worth knowing about the file as a whole."""

from autoshop.kit.migrate import run_sql_beside

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    run_sql_beside(__file__)
