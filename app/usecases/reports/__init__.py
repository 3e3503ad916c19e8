"""Questions about what is stored: explanations, the audit, health and figures."""
