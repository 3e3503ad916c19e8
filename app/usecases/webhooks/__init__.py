"""What callers are told of: the event feed and webhooks."""
