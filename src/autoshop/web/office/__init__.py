"""The back office: look-up, movements, transfers, stocktakes, sign-in. A module for each screen, templates beside it."""
