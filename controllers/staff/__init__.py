"""People who work at desks: who they are, how they sign in, what they may do and did."""
