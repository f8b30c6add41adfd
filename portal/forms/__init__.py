"""Forms of the portal app, by noun."""
