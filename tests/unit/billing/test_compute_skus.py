"""Machines outside SageMaker on-demand have SKUs that say what they are counted in."""

from decimal import Decimal

import pytest

from billing.domain import compute_skus, skus


@pytest.mark.parametrize(
    ("sku", "name", "unit", "per", "label"),
    [
        (
            compute_skus.ec2(instance_type="p5.4xlarge"),
            "ec2:p5.4xlarge:second",
            "second",
            3600,
            "p5.4xlarge instance (EC2)",
        ),
        (
            compute_skus.ec2_spot(instance_type="g5.xlarge"),
            "ec2-spot:g5.xlarge:second",
            "second",
            3600,
            "g5.xlarge instance (EC2 spot)",
        ),
        (
            compute_skus.ec2_plan(instance_type="g5.xlarge", term="one-year"),
            "ec2-plan:g5.xlarge:one-year:second",
            "second",
            3600,
            "g5.xlarge instance (EC2, Savings Plan of one year)",
        ),
        (
            compute_skus.sagemaker_plan(instance_type="ml.p6-b200.48xlarge", term="three-years"),
            "sagemaker-plan:ml.p6-b200.48xlarge:three-years:second",
            "second",
            3600,
            "ml.p6-b200.48xlarge instance (Savings Plan of three years)",
        ),
        (
            compute_skus.fargate_vcpu(architecture="arm64"),
            "fargate:arm64:vcpu-second",
            "second",
            3600,
            "Fargate vCPU (arm64)",
        ),
        (
            compute_skus.fargate_memory(architecture="x86_64"),
            "fargate:x86_64:gb-second",
            "second",
            3600,
            "Fargate GB of memory (x86)",
        ),
        (compute_skus.eks_cluster(), "eks:cluster:second", "second", 3600, "EKS cluster"),
        (compute_skus.s3_writes(), "s3:put", "request", 1_000_000, "S3 writes"),
        (compute_skus.s3_storage(), "s3:storage", "gb", 1, "S3 storage for a month"),
        (
            compute_skus.edge(hardware="l40s-x4"),
            "edge:l40s-x4:second",
            "second",
            3600,
            "Own server with l40s x 4",
        ),
    ],
)
def test_every_machine_knows_its_unit_and_its_words(
    sku: str, name: str, unit: str, per: int, label: str
) -> None:
    assert sku == name
    assert skus.unit_of(sku) == skus.Unit(unit, Decimal(per))
    assert skus.label_of(sku) == label


@pytest.mark.parametrize(
    "text",
    [
        "ec2:ml:second",
        "ec2:g5.xlarge:hour",
        "ec2-plan:g5.xlarge:forever:second",
        "sagemaker-plan:g5.xlarge:one-year:second",
        "fargate:mips:vcpu-second",
        "fargate:arm64:second",
        "eks:node:second",
        "s3:delete",
        "edge:=cmd:second",
    ],
)
def test_what_is_no_machine_is_refused(text: str) -> None:
    with pytest.raises(skus.UnknownSku, match="is not a SKU of these books"):
        skus.unit_of(text)
