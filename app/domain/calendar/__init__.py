"""Business time: weekly hours, closures and the timeline made of them."""
