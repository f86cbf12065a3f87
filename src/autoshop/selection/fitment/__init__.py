"""What fits which car: told by facts and files, reached through crosses, doubted by buyers.

model.py       fits, does not fit, check: by what is known
facts.py       data/selection/fitment
columns.py     what a heading of a file means; rows.py a row of it; cars.py the car that it names
importing.py   a run of a file, as a run of catalog/imports
staging.py     SQL: what a source says, as a whole, in the place of what it said before
loading.py     the facts into the database
service.py     the verbs: does a product fit a car, what does it fit, what buyers say
feedback/      what returns say by themselves: it did not fit; and for which car it was bought
several.py     verb: which products fit which of several cars
suiting.py     verb: which of some products do not suit a car
texts.py       the words
"""
