"""Periods: up to which day the books are closed, and whether a date on a paper may still be used."""
