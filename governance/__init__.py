"""The governance framework as data, and a small pure engine over it. No I/O, no clock."""
