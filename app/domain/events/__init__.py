"""Types of published events, and how webhooks are retried."""
