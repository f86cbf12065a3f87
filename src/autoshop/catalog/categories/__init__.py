"""Categories: the tree that products hang on."""
