"""Due times of promises, counted in business time."""
