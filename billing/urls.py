"""Addresses of the books in the browser."""

from django.urls import path

from billing.views import budgets, cards, feature, ledger, prices, spend

app_name = "billing"
urlpatterns = [
    path("spend/", spend.spend, name="spend"),
    path("spend/by/<slug:dimension>/", spend.by, name="by"),
    path("spend/ledger/", ledger.ledger, name="ledger"),
    path("spend/refused/", ledger.refused, name="refused"),
    path("spend/prices/", prices.prices, name="prices"),
    path("spend/budgets/", budgets.budgets, name="budgets"),
    path("spend/budget-line/", cards.budget_line, name="budget_line"),
    path("spend/cards/home/", cards.home_card, name="home_card"),
    path("spend/cards/features/<slug:slug>/", cards.feature_card, name="feature_card"),
    path("features/<slug:slug>/spend/", feature.feature, name="feature"),
]
