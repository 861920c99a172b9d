"""Blinded tokens over ristretto255: equal after a full round if the identifiers were."""
