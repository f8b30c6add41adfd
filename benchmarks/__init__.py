"""Measure the figures this project promises: `make bench`."""
