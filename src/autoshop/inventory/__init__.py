"""THE LEDGER: the only truth about pieces. The reference folder: the others imitate it.

movements/     post, batch, reverse, list: one statement, append-only          ← start reading here
stock/         what lies where, now and as of any moment; snapshots; the recount
transfers/     pieces between two stores: request, shipment, receipt, differences; those of orders in orders/
returns/       what customers bring back, out of its sale, and what goes back to suppliers
reservations/  pieces held for somebody until a moment
allocation/    an order's pieces from whatever stores, with a promised date, and whether it was kept
stocktakes/    what lies there is counted while the shop sells, and the ledger put right: counts, approval, sheets
recounts/      what ought to be counted, and why
found/         a piece in the hand that the ledger does not have, sold where that is allowed
stock_on/      what lay where at the end of a day, by the dates on the papers
value/         what it was worth, by moving average or FIFO
periods/       up to which day the books are closed
closing/       the balances of closed periods, written and proven
history/       everything that happened to a product; the ledger as a file
shelves/       where in a store a product lies, in the order in which one walks
marks/         marked units («Честный ЗНАК»): each is sold once until it comes back
availability/  status and ETA of a product at a store, and the words for it
live/          what happens, told to whoever listens
levels/        minimum and maximum of a place; who is below, told of once; the digest of every morning
buffers/       channels, the pieces they never see, and so what they may show
changes/       which places changed since a moment, for those who look now and then
stores/        the places, their hours and holidays, and the van between them

Each has the same few files: model (plain data, pure rules), store (SQL in, dataclasses out),
service (verbs), api (routes), jobs. What is not needed is not there.
"""
