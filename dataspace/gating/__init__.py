"""What a node's machine refuses before a person is asked."""
