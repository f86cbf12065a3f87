"""Which part fits, and why: from what is written on a car or a part to products, never by a guess.

vin/               a VIN → make, model, generation, engines, year or window, each with its reason   ← start reading here
vehicles/          cars and their engines; choosing one step by step, or by what people say
search/            the one box: what a line of text means, and the products that answer it
plugs/             the code of a spark plug → what it is; whether two are the same; what replaces one
crosses/           which article stands for which, who says so, and what a person has to decide
fitment/           what fits which car, with the chain that proves it; what buyers say of it
kits/              a job's parts of a car, of what lies in the stores, in three ways to buy
recommendations/   what people buy together, counted at night; for the buyer's car, and what stands for what is out
garage/            the cars of a browser or a customer: mileage, what was done, what is due
memory/            answers that are kept until what they rest on changes
readiness.py       what is known is read before the first request

What is known of the world (makers, rules, cars) is files under data/selection, loaded and checked by kit/facts.py.
"""
