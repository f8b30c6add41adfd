"""The pages of cascades."""
