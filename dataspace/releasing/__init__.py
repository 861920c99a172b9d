"""What the analyst gets: exactly the released cells."""
