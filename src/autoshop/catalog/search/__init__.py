"""Products found by what somebody typed, over a million of them: every statement walks an index, every list is bounded.

articles/    keys and near misses of them: asked of the products themselves, so a new one is found at once  ← start here
names/       words of names: an index beside the products, which the worker keeps (jobs.py)
categories/  categories by their synonyms, and by what a driver complains of
store.py     what is shown of a product that was found

What somebody means by one line of text is decided above, in selection/search/.
"""
