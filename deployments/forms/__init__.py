"""Deployments: forms, split by noun."""
