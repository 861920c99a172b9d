"""One party of one multi-party computation, in a process of its own."""
