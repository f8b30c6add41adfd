"""Files of outcomes become trials: published evaluations as they are, and our own export."""
