"""One option for each feature under one budget and shared limits, with the proof of how good."""
