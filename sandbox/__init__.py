"""A pretend AWS: real boto3 clients speak to it over HTTP through their endpoint URL."""
