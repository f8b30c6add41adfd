"""Pages of the portal app, by noun."""
