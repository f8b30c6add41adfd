"""SageMaker's runtime: InvokeEndpoint and its stream."""
