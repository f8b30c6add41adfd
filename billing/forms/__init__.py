"""Forms of the books, by noun."""
