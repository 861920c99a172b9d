"""The unified columns of cases, their code lists, and what may be done with each."""
