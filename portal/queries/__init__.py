"""What a page or a client may ask about people, teams and features."""

from portal.queries.features import feature_for, features
from portal.queries.people import actor_of_user, team_for, teams

__all__ = ["actor_of_user", "feature_for", "features", "team_for", "teams"]
