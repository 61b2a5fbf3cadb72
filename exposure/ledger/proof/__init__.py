"""The proof that the log is whole and unaltered: hashes, checkpoints, proofs and evidence."""
