"""What a purchase grants, and what a refund or a correction takes back."""
