"""What templates use to write figures, moments and marks."""
