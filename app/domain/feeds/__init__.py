"""What shops have said about an order, merged into one view."""
