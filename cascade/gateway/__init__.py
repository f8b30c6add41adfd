"""The gateway: one URL in front of a cascade's models; a process of its own, without Django."""
