"""What the database says about itself, and what a scrape asks of it."""
