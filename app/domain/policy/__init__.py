"""The policy document as typed values, and the pure rules that need nothing else."""
