"""The gate on the answer: is what a model said good enough to be given?"""
