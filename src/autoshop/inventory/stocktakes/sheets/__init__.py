"""The list of a stocktake as a CSV file: printed or filled in, and taken back as counts."""
