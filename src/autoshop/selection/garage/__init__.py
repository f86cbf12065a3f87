"""The cars of a buyer: of a browser's cookie, or of a customer; how far they have gone, and what is due.

model.py    a garage's owner, a car, what was read and done; refusals
odometer.py how far a car has gone by now, as far as its readings say
due.py      what is due, by the kits of data/selection/kits: from the last time, from the factory, or not known
service.py  the verbs: put in, change, take out and put back, read and done, claim, forget
answers.py  the shapes of the API
texts.py    what is due, in Russian and English
jobs.py     what nobody came back for is swept at night
"""
