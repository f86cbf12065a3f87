"""The back office: stock look-up, movements, transfers, sign-in. A module for each screen, templates beside it."""
