"""CloudWatch's metrics: a summary and a histogram for each series and minute."""
