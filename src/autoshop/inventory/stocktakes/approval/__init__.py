"""The end of a stocktake: review, and the differences as adjustments."""
