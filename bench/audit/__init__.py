"""bin/audit: the shop's pages on a phone, by Lighthouse and axe."""
