"""The books over REST."""

from django.urls import path

from billing.api import budgets, charges, prices, spend, usage

urlpatterns = [
    path("budgets", budgets.Budgets.as_view(), name="api-budgets"),
    path("budgets/position", budgets.BudgetPosition.as_view(), name="api-budget-position"),
    path("reservations", budgets.Reservations.as_view(), name="api-reservations"),
    path("prices", prices.Prices.as_view(), name="api-prices"),
    path("usage", usage.UsageEvents.as_view(), name="api-usage"),
    path("usage/refused", usage.RefusedUsage.as_view(), name="api-usage-refused"),
    path("watermarks", usage.Watermarks.as_view(), name="api-watermarks"),
    path("charges", charges.Charges.as_view(), name="api-charges"),
    path("spend", spend.Spend.as_view(), name="api-spend"),
]
