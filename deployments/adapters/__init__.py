"""What Slipway speaks to outside its own database."""
