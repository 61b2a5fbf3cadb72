"""The rules of credit, and the ledger that keeps what happened."""
