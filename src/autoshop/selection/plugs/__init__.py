"""Spark plugs: what a code says of the plug, whether two are the same, and what replaces one.

facts.py          the files of data/selection/plugs, checked and read once
coding.py         a code → its specification, letter by letter; the orders of letters are facts too
model.py          the specification, and the comparison of two: the checker that every listed pair goes through
understanding.py  what somebody typed → the plugs that he may mean, or what it looks like instead
known.py          what the published tables say of a code: analogs, links to makers' numbers, cars, traps
analogs.py        what may stand for a plug, from tables and by its spec alone; and what must not
texts.py          how two plugs differ, in Russian and English
"""
