"""The host of this installation's did:webvh identifiers and what is published under them."""
