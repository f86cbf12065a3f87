"""Chaos: a busy shop whose processes are killed at random, and the proof that it kept its books all the same."""
