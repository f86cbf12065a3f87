"""SQL of the state that answers rest on: crosses, their articles, fitments and absences."""

from autoshop.kit.db import Connection

STATE = "SELECT coalesce(bit_xor(mark), 0) FROM selection_changes"


async def state(db: Connection) -> int:
    """A number for all that is told of what fits. Another state has another number, in whatever database it is."""
    return await db.fetchval(STATE)  # type: ignore[no-any-return]


# The state stays the same: the new mark is what the old ones come to together.
COMPACT = """
WITH gone AS (
    DELETE FROM selection_changes
     WHERE id IN (SELECT id FROM selection_changes ORDER BY id LIMIT 100000)
    RETURNING mark
)
INSERT INTO selection_changes (mark)
SELECT bit_xor(mark)
  FROM gone
HAVING count(*) > 0
"""


async def compact(db: Connection) -> None:
    """Many marks become one."""
    await db.execute(COMPACT)
