"""The control planes of the pretend AWS: what exists, in which state, and which wish is refused."""
