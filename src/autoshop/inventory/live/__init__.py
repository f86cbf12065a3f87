"""Live stock: what happens is told to whoever listens, as server-sent events, from the moment it is committed."""
