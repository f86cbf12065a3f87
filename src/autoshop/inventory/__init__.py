"""THE LEDGER: the only truth about pieces. The reference folder: the others imitate it.

movements/     post, batch, reverse, list: one statement, append-only          ← start reading here
stock/         what lies where, now and as of any moment; snapshots; the recount
shelves/       where in a store a product lies, in the order in which one walks
marks/         marked units («Честный ЗНАК»): each is sold once until it comes back
transfers/     pieces between two stores: shipment, receipt
availability/  status and ETA of a product at a store, and the words for it
stores/        the places, their hours, and the van between them

Each has the same few files: model (plain data, pure rules), store (SQL in, dataclasses out),
service (verbs), api (routes), jobs. What is not needed is not there.
"""
