"""The verb for whoever comes upon a number that cannot be right."""

from collections.abc import Sequence

from autoshop.inventory.recounts import store
from autoshop.inventory.recounts.model import Place
from autoshop.kit.db import Connection


async def flag_for_recount(db: Connection, places: Sequence[Place], reason: str, source: str) -> None:
    """Ask that these products be counted at their stores. Of one source the same place is flagged once.

    Of places that are locked as well: lock them first. `source` names the document, such as «transfer 12».
    """
    await store.flag(db, places, reason, source)
