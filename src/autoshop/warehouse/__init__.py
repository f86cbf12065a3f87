"""Work in the stockroom, which needs both the catalogue's words and the ledger.

scan/        what a scanner read: which products, which document, which unit      ← start reading here
labels/      labels for products as PDF, with barcodes
documents/   receipts, write-offs, corrections of very many lines, posted as a whole and undone as one
picking/     pick lists of a transfer or reservation, in the order of the shelves

The files in each are those of inventory/, and `drawing.py`: PDF, without a database. `paper.py` has fonts, fitting text
and barcodes, `printer.py` the thread in which it is drawn.
"""
