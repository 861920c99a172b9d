"""The pages of people at desks, made on the server (docs/desks.md)."""
