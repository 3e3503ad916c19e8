"""The customer aggregate: what one customer has, and the changes that a call asks for."""
