"""Imports: a file becomes catalogue, prices and opening stock; or nothing at all, with every reason.

A file goes through here once, as a stream, into bare temporary tables, and is checked on the way; what one row cannot
know (repeats, whose barcode it is, what lies in the store) is asked of all rows at once; then everything is written in
one transaction. So beside the files that each folder has:

columns.py    what a heading means
headings.py   the same for files of other things
csv_file.py   encoding, delimiter, rows of a CSV
tables.py     either of them, for whoever has a file
workbook.py   rows of an XLSX or XLS, read by a child process with a limit on its memory
batches.py    rows on their way to the database, read while those before are sent
rows.py       one row: checked, and made a line of COPY
staging.py    SQL on the temporary tables: the checks (store.py has that of the lasting ones)
loading.py    SQL from the temporary tables into the catalogue
texts.py      the reasons, in Russian and English
"""
