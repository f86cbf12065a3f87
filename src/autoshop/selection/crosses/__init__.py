"""Crosses: which article stands for which, who says so, how sure it is, and what a person has to decide first.

model.py      a link, the way from one article to another, how well it fits; the refusals
facts.py      the links of data/selection, as lines to be loaded
columns.py    what a heading of a file means
rows.py       one row of a file, made a line of COPY: the hot loop of an import
loading.py    SQL from the staged lines into the tables, as sets
importing.py  verbs: load a file, which is a run of catalog/imports; load the facts
service.py    verbs: link by hand, decide a conflict
analogs.py    verb: what may stand for a product, and when it can be had
answers.py    the shapes of what the API answers
texts.py      the words
"""
