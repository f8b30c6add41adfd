"""The wires a chat travels on: OpenAI's chat completions and Bedrock's Converse. Pure.

Each has the same three nouns, read and written in both directions: requests, answers, streams.
"""
