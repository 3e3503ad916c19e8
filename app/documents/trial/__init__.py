"""A policy on trial: the story that its check plays."""
