"""Lambda: a function's code really runs, in a process of its own for each environment."""
