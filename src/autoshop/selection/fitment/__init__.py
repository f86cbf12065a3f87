"""What fits which car: told by facts and files, reached through crosses, doubted by buyers.

model.py       fits, does not fit, check: by what is known
facts.py       data/selection/fitment
loading.py     the facts into the database
service.py     the verbs: does a product fit a car, what does it fit, what buyers say
texts.py       the words
"""
