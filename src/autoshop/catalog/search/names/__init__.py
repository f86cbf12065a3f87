"""Names: Russian words in any of their forms, with typos, over an index that the worker keeps beside the products."""
