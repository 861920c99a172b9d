"""One file a question: what it needs, what it opens, what it leaks."""
