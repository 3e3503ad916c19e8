"""What was recorded: for running it again, and for explaining it."""
