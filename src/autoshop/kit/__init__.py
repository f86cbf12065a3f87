"""What every folder stands on: database, errors, HTTP, settings, logs. Knows nothing of the shop."""
