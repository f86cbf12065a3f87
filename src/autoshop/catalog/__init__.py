"""What is sold: brands, categories, products, prices, and the files they come from.

products/    brand + article, codes, unit, attributes; found by any of them      ← start reading here
brands/      makers and the other names they go by
categories/  the tree that products hang on
prices/      by price type, with their history; cost is for those who may see it
imports/     catalogue, prices and opening stock from CSV and XLSX
search/      products by an article, a category, words of a name, however they are typed; the index of names

The files in each are those of inventory/. `answers.py` is what the routes of all of them say alike.
"""
