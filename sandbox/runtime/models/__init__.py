"""Bedrock's runtime: InvokeModel, Converse, their streams, and CountTokens."""
