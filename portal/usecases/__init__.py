"""What a person may do to teams, features and keys."""
