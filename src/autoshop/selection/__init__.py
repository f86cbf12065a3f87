"""Which part fits, and why: from what is written on a car or a part to products, never by a guess.

vin/           a VIN → make, model, generation, engines, year or window, each with its reason   ← start reading here
"""
