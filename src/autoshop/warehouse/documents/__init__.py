"""Bulk documents: up to 10 000 lines by JSON or file, posted as a whole or not at all, and undone as one.

A document is kept with its lines as they came; a worker checks and posts it. Beside the files that each folder has:

columns.py    what a heading means
reading.py    a file, made lines
checking.py   what a line says: numbers and names, without a database
places.py     where products lie; requests.py what is asked of other stores
posting.py    from the kept document to its end
texts.py      the reasons, in Russian and English
"""
