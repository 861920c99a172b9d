"""Blinded tokens over ristretto255: equal after a full round if the identifiers were.

What each party and the evaluator learn by a run is in docs/dataspace/leaks-ring.md.
"""
