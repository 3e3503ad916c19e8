"""Orders, their refunds and their payment disputes."""
