"""Which part fits, and why: from what is written on a car or a part to products, never by a guess.

vin/           a VIN → make, model, generation, engines, year or window, each with its reason   ← start reading here
plugs/         the code of a spark plug → what it is; whether two are the same; what replaces one
crosses/       which article stands for which, who says so, and what a person has to decide
"""
