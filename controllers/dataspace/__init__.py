"""One organisation's node of the data space: network, database, processes and commands.

What decides (agreement, plan, gate, log) is in `dataspace/`, and knows none of these.
"""
