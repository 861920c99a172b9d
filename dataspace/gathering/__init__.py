"""From an organisation's own files to a coded table and to match keys."""
