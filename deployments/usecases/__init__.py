"""Deployments: usecases, split by noun."""
