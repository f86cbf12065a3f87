"""Cars: make → model → generation → engine, with the names people call them.

model.py       a make, a model, a vehicle, an engine
facts.py       the facts: data/selection/vehicles, read once
names.py       the makes and models that a text names
words.py       a text → vehicles and engines
"""
