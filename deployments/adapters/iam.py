"""IAM roles: who may take them, and one inline policy of what they may do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from deployments.adapters.refusals import ask, find, make
from deployments.domain.lifecycle import Observed, Phase
from deployments.domain.target import Wish

POLICY = "slipway"


class Role:
    """A role that one AWS service takes."""

    def __init__(self, iam: Any) -> None:
        self.iam = iam

    def observe(self, wish: Wish) -> Observed | None:
        """Look at the role and its policy."""
        reply = find(self.iam.get_role, RoleName=wish.name)
        if reply is None:
            return None
        role = reply["Role"]
        tags = {tag["Key"]: tag["Value"] for tag in role.get("Tags", ())}
        if not wish.is_mine(tags):
            return Observed(Phase.READY, foreign=f"The role {wish.name} is not of this deployment.")
        policy = find(self.iam.get_role_policy, RoleName=wish.name, PolicyName=POLICY)
        return Observed(
            phase=Phase.READY,
            outputs={"arn": role["Arn"]},
            differs=policy is None or _document(policy["PolicyDocument"]) != _policy(wish),
        )

    def create(self, wish: Wish) -> None:
        """Make the role; its policy follows as an update."""
        make(
            self.iam.create_role,
            RoleName=wish.name,
            AssumeRolePolicyDocument=json.dumps(_trust(wish)),
            Description="Made by Slipway.",
            Tags=[{"Key": key, "Value": value} for key, value in wish.tags.items()],
        )

    def update(self, wish: Wish) -> None:
        """Put the policy as specified."""
        ask(
            self.iam.put_role_policy,
            RoleName=wish.name,
            PolicyName=POLICY,
            PolicyDocument=json.dumps(_policy(wish)),
        )

    def delete(self, wish: Wish) -> None:
        """End the policy, then the role."""
        find(self.iam.delete_role_policy, RoleName=wish.name, PolicyName=POLICY)
        find(self.iam.delete_role, RoleName=wish.name)


def _trust(wish: Wish) -> Mapping[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": wish.spec["service"]},
                "Action": "sts:AssumeRole",
            }
        ],
    }


def _policy(wish: Wish) -> Mapping[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(wish.spec["policy"])}


def _document(found: Any) -> Any:
    """Return a policy as AWS keeps it; boto3 decodes it, other endpoints may not."""
    return json.loads(found) if isinstance(found, str) else found
