"""Pick lists: what to take from which shelf, in the order in which one walks."""
