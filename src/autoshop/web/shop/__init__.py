"""The shop that buyers see: pages without scripts, one style sheet within them, for phones first.

shown.py       how a page of the shop is made: its headers, its canonical address
home.py        the box, and the ways in
search.py      the answer to the one box
products.py    a product: where, when, what may stand for it, which cars it fits
cars.py        make → model → generation → engine, as plain links
kits.py        all that a job takes of a car, in three ways to buy; held at once by whoever serves the buyer
vin.py         what a VIN says
maps.py        sitemap.xml and robots.txt
"""
