"""Buffers: pieces that a channel never sees, and so what it may show of each product."""
