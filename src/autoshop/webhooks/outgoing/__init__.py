"""The way out: events become deliveries, and deliveries are sent, by the worker."""
