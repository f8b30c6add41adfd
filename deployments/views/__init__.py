"""Deployments: views, split by noun."""
