"""What moto keeps for us unchanged (roles, log groups, buckets): listed for the inventory."""

from typing import Any

from moto.iam.models import iam_backends
from moto.logs.models import logs_backends
from moto.s3.models import s3_backends

from sandbox.control.listing import item
from sandbox.state import ACCOUNT_ID, REGION

_GLOBAL = "aws"


def inventory(now: float) -> list[dict[str, Any]]:
    """Return every role, log group and bucket that exists."""
    roles = [
        item("iam", "role", r.name, r.arn, r.create_date.timestamp(), tags=_tags(r.tags))
        for r in list(iam_backends[ACCOUNT_ID][_GLOBAL].roles.values())
    ]
    logs = logs_backends[ACCOUNT_ID][REGION]
    groups = [
        item(
            "logs",
            "log-group",
            g.name,
            g.arn,
            g.creation_time.timestamp(),
            tags=logs.list_tags_for_resource(g.arn),
        )
        for g in list(logs.groups.values())
    ]
    store = s3_backends[ACCOUNT_ID][_GLOBAL]
    buckets = [
        item("s3", "bucket", b.name, b.arn, b.creation_date.timestamp())
        for b in list(store.buckets.values())
    ]
    return roles + groups + buckets


def _tags(tags: list[dict[str, str]]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags}
