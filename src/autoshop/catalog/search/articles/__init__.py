"""Articles: exact, loose, in another keyboard's letters, their beginning or end, with a typo or two."""
