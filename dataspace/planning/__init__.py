"""Plans: one question, declared; its hash, its approvals and their ends."""
