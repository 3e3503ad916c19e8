"""Server processes: how they are set, and how they come to share what they import."""
