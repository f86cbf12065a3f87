"""A VIN → candidates with reasons.

typed.py       what was typed or pasted → the 17 characters, and what was changed
model.py       the 17 characters + facts → candidates: pure, no database
facts.py       the facts: data/selection/vin, read once
service.py     the verbs: decode one, decode many
"""
