"""The agreement of a data space: who takes part, for which purposes, within which limits."""
