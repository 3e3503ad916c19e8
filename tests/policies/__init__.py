"""Versions of policies, the calculator, drafts run over history."""
