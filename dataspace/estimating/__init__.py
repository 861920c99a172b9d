"""Multiple systems estimation: how many there are in all, from lists that overlap."""
