"""What ought to be counted again, and why: others flag it, a stocktake that counts it clears it."""
