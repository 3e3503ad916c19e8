"""Published events and their positions in the feed."""
