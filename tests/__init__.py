"""Every test of Slipway, by speed."""
