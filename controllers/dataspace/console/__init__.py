"""The pages of a data space: people ask, look, approve, run and read, in three languages.

The pages hold no case and no key of a node: all that they show they ask of the nodes, by the
officer API, with the key of the one organisation that a person stands at.
"""
