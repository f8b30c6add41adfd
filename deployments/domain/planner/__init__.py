"""Capacity planning of language models on own GPUs: memory, speed, load, money. Pure."""
