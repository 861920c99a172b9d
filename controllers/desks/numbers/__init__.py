"""How many were issued, checked and refused, without a number that points at a person."""
