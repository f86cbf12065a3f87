"""Marks: the code of one unit («Честный ЗНАК»), sold once until it comes back."""
