"""What pages, clients, workers and the gateway's snapshot read; never changes anything."""
