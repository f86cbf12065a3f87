"""`python -m autoshop` is the command line."""

from autoshop.cli import main

main()
