"""Credits of customers: commands, balances, statements and lots."""
