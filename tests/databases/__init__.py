"""Where stores and locks live, and what their databases do."""
