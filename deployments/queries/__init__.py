"""Deployments: queries, split by noun."""
