"""Kits: the parts of a job, resolved for a car to products that can be had. facts → needs → offers → tiers → API."""
