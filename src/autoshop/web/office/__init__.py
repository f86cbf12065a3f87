"""The back office: look-up, movements, transfers, stocktakes, sign-in. A module and a template for each screen."""
