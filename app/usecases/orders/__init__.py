"""Orders and what they bring: licenses, periods of support, choices, offers and payment disputes."""
