"""Backing up an installation, restoring it, and bringing a restored one in order.

What a restore must not bring back is told in docs/adr/0022 and closed in settling.py.
"""
