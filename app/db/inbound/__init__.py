"""Sources and their deliveries, as they came."""
