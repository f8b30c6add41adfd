"""CloudWatch log groups with a retention, so that logs neither last forever nor are left behind."""

from __future__ import annotations

from typing import Any

from deployments.adapters.refusals import ask, find, make
from deployments.domain.lifecycle import Observed, Phase
from deployments.domain.target import Wish


class LogGroup:
    """A log group that a function or an endpoint writes to."""

    def __init__(self, logs: Any) -> None:
        self.logs = logs

    def observe(self, wish: Wish) -> Observed | None:
        """Look for the group of exactly this name."""
        reply = ask(self.logs.describe_log_groups, logGroupNamePrefix=wish.name)
        group = next((g for g in reply["logGroups"] if g["logGroupName"] == wish.name), None)
        if group is None:
            return None
        arn = group["arn"].removesuffix(":*")
        if not wish.known and not wish.is_mine(self._tags(arn)):
            return Observed(
                Phase.READY, foreign=f"The log group {wish.name} is not of this deployment."
            )
        return Observed(
            phase=Phase.READY,
            outputs={"arn": arn, "streams_arn": f"{arn}:*"},
            differs=group.get("retentionInDays") != wish.spec["retention_days"],
        )

    def _tags(self, arn: str) -> dict[str, str]:
        reply = find(self.logs.list_tags_for_resource, resourceArn=arn)
        tags: dict[str, str] = reply["tags"] if reply else {}
        return tags

    def create(self, wish: Wish) -> None:
        """Make the group; its retention follows as an update."""
        make(self.logs.create_log_group, logGroupName=wish.name, tags=dict(wish.tags))

    def update(self, wish: Wish) -> None:
        """Set the retention."""
        ask(
            self.logs.put_retention_policy,
            logGroupName=wish.name,
            retentionInDays=wish.spec["retention_days"],
        )

    def delete(self, wish: Wish) -> None:
        """End the group and what was written to it."""
        find(self.logs.delete_log_group, logGroupName=wish.name)
