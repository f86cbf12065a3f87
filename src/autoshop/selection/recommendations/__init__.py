"""What goes with it: bought together, counted every night from the sales."""
