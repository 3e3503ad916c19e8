"""Credits that live: recurring grants, rollover, expiry with a plan, top-ups, overdraft, limits."""
