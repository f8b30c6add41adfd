"""Any policy over any trials by the walk that answers live: cost, quality, escalations, latency."""
