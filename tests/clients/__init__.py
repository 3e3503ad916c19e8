"""The clients that the project hands out."""
