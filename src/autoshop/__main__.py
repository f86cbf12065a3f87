"""`python -m autoshop` = `autoshop`."""

from autoshop.cli import main

main()
