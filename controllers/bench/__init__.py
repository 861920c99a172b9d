"""`haven bench`: what Haven does and what it costs, measured on real processes.

Loaded by its command alone. docs/performance.md says what each figure means.
"""
