"""What the books say; other apps ask here."""

from billing.queries.budgets import consent
from billing.queries.prices import price_book
from billing.queries.spend import spend_of_deployments, spend_of_features, watermark

__all__ = ["consent", "price_book", "spend_of_deployments", "spend_of_features", "watermark"]
