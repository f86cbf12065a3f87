"""Answers about what fits, remembered until what they rest on changes. Stock, prices, doubts: never."""
