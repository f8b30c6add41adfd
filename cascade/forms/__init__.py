"""What people type about cascades."""
