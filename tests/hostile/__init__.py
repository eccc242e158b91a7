"""What files from strangers may contain, and what must not come of it."""
