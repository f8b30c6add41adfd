"""Thresholds that keep a promised quality: chosen by a lower confidence bound, never by a mean."""
