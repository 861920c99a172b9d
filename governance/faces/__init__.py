"""The framework in other languages: all of them derived from the one model."""
