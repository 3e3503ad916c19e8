"""One customer's credits: lots, entries, holds, and what goes back."""
