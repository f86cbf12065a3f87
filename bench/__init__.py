"""How fast is it? `bin/bench` runs this package; see `bench.__main__`."""
