"""The job that posts a document. It may be begun twice: the document says whether there is anything left to do."""

from autoshop.kit.db import Pool, transaction
from autoshop.kit.log import log
from autoshop.warehouse.documents import service, store
from autoshop.warehouse.documents.posting import carry_out


async def post_document(pool: Pool, document_id: int) -> None:
    """Check and post one document."""
    await carry_out(pool, document_id)
    document = await store.find(pool, document_id)
    if document is not None:
        log.info("document", document=document_id, kind=document.kind, state=document.state, totals=document.totals)


async def take_up_again(pool: Pool) -> None:
    """Have documents done that nobody works on any more."""
    async with transaction(pool) as db:
        found = await service.take_up_again(db)
    if found:
        log.warning("documents taken up again", documents=found)


async def forget(pool: Pool) -> None:
    """Remove documents that were refused long ago."""
    await store.forget(pool)
