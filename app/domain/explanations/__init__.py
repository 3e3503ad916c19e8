"""Sentences that a clerk can read out for each decision, charge and due time."""
