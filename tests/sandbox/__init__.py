"""The pretend AWS, asked by real clients over HTTP."""
