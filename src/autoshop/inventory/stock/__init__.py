"""Stock: what lies where, now and then, and the proof that it is so."""
