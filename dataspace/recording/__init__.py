"""The hash-chained, signed log of a node."""
