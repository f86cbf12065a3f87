"""The one box: what somebody means by a line of text, and the products that answer it.

model.py     shapes of what is typed (VIN, barcode, phone …) and of the answer      ← start reading here
finding.py   the order in which a text is read, and which part of the catalogue is asked
hooks.py     where other ways to read a text, and to replace an article, are plugged in
cars.py      a car in a text, with a part or a complaint of it
facets.py    what the list could be narrowed down to
"""
