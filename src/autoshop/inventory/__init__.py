"""THE LEDGER: the only truth about pieces. The reference folder: the others imitate it.

movements/     post, batch, reverse, list: one statement, append-only          ← start reading here
stock/         what lies where, now and as of any moment; snapshots; the recount
stock_on/      what lay where at the end of a day, by the dates on the papers
value/         what it was worth, by moving average or FIFO
periods/       up to which day the books are closed
closing/       the balances of closed periods, written and proven
history/       everything that happened to a product; the ledger as a file
transfers/     pieces between two stores: shipment, receipt
availability/  status and ETA of a product at a store, and the words for it
stores/        the places, their hours, and the van between them

Each has the same few files: model (plain data, pure rules), store (SQL in, dataclasses out),
service (verbs), api (routes), jobs. What is not needed is not there.
"""
