"""What the ways of running a model are called. The books keep their short names. Pure."""

from __future__ import annotations

from collections.abc import Mapping

# The words of deployments.domain.options, which the books stand below; a test holds them together.
NAMES: Mapping[str, str] = {
    "bedrock-on-demand": "Bedrock on-demand",
    "lambda-bedrock": "Lambda + Bedrock on-demand",
    "bedrock-provisioned": "Bedrock Provisioned Throughput",
    "bedrock-batch": "Bedrock batch inference",
    "bedrock-service-tier": "Bedrock service tier",
    "bedrock-marketplace": "Bedrock Marketplace endpoint",
    "bedrock-custom": "Bedrock custom model",
    "sagemaker-real-time": "SageMaker real-time endpoint",
    "sagemaker-components": "SageMaker inference components",
    "sagemaker-multi-model": "SageMaker multi-model endpoint",
    "sagemaker-multi-container": "SageMaker multi-container endpoint",
    "sagemaker-serverless": "SageMaker serverless inference",
    "sagemaker-asynchronous": "SageMaker asynchronous inference",
    "sagemaker-batch-transform": "SageMaker batch transform",
    "ecs-service": "ECS service",
    "eks-manifests": "EKS manifests",
    "edge-bundle": "Edge or on-premises bundle",
    "hybrid": "Hybrid",
    # Of no deployment: the gateway of app cascade calls its models on demand.
    "cascade": "Cascade",
}


def tier_name(tier: str) -> str:
    """Return a tier in words; one that is not known, as it is written."""
    return NAMES.get(tier, tier)
