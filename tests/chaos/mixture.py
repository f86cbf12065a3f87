"""What a client does, and how often: by weight, such that each kind also succeeds."""

from tests.chaos import counting, holding, papers, returning, selling, sending
from tests.chaos.client import Verb

MIXTURE: dict[Verb, int] = {
    selling.sell: 16,
    selling.bring: 7,
    selling.batch: 5,
    selling.ship_at_once: 3,
    selling.undo: 4,
    selling.sell_found: 4,
    selling.look: 3,
    selling.knock: 1,
    holding.hold: 6,
    holding.allocate: 4,
    holding.extend: 2,
    holding.release: 3,
    holding.fulfil: 5,
    sending.ask: 4,
    sending.ship: 4,
    sending.receive: 6,
    sending.recall: 2,
    sending.differ: 4,
    sending.cancel: 1,
    returning.take_back: 6,
    returning.send_back: 3,
    returning.undo_return: 3,
    counting.open_stocktake: 2,
    counting.count: 6,
    counting.review: 2,
    counting.ask_again: 1,
    counting.approve: 3,
    counting.reopen: 1,
    counting.cancel: 1,
    papers.send_document: 3,
    papers.undo_document: 1,
    papers.import_stock: 1,
}
