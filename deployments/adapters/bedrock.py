"""Bedrock: application inference profiles, and model units bought by the hour."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from deployments.adapters.refusals import ask, find, make
from deployments.domain.lifecycle import Observed, Phase
from deployments.domain.target import Permanent, Wish

_PHASES = {
    "Creating": Phase.CREATING,
    "InService": Phase.READY,
    "Updating": Phase.UPDATING,
    "Failed": Phase.FAILED,
}
_SERVING = ("InService", "Updating")


class Profile:
    """An application inference profile: free, and metered apart from everybody else's calls."""

    def __init__(self, bedrock: Any, *, region: str) -> None:
        self.bedrock, self.region = bedrock, region

    def observe(self, wish: Wish) -> Observed | None:
        """Look by ARN when it is known, else by name among all of the account."""
        profile = self._by_arn(wish) if wish.known.get("arn") else self._by_name(wish.name)
        if profile is None:
            return None
        arn = profile["inferenceProfileArn"]
        if not wish.known and not wish.is_mine(_tags(self.bedrock, arn)):
            return Observed(
                Phase.READY, foreign=f"The profile {wish.name} is not of this deployment."
            )
        return Observed(
            phase=Phase.READY,
            outputs={
                "arn": arn,
                "id": profile["inferenceProfileId"],
                "models": [model["modelArn"] for model in profile["models"]],
            },
        )

    def _by_arn(self, wish: Wish) -> Any | None:
        return find(
            self.bedrock.get_inference_profile, inferenceProfileIdentifier=wish.known["arn"]
        )

    def _by_name(self, name: str) -> Any | None:
        asked: dict[str, Any] = {"typeEquals": "APPLICATION", "maxResults": 1000}
        while True:
            reply = ask(self.bedrock.list_inference_profiles, **asked)
            for profile in reply["inferenceProfileSummaries"]:
                if profile["inferenceProfileName"] == name:
                    return profile
            if not reply.get("nextToken"):
                return None
            asked["nextToken"] = reply["nextToken"]

    def create(self, wish: Wish) -> None:
        """Make the profile of a model or of a system profile."""
        make(
            self.bedrock.create_inference_profile,
            inferenceProfileName=wish.name,
            modelSource={"copyFrom": self._source(wish.spec["copy_from"])},
            clientRequestToken=wish.token,
            tags=[{"key": key, "value": value} for key, value in wish.tags.items()],
        )

    def _source(self, model: str) -> str:
        """Return the ARN of what is copied; a system profile's holds the account."""
        if model.startswith("arn:"):
            return model
        profile = find(self.bedrock.get_inference_profile, inferenceProfileIdentifier=model)
        if profile is not None:
            return str(profile["inferenceProfileArn"])
        return f"arn:aws:bedrock:{self.region}::foundation-model/{model}"

    def update(self, wish: Wish) -> None:
        """Refuse: nothing of a profile can be changed."""
        raise Permanent("An inference profile cannot be changed; a new generation gets a new one.")

    def delete(self, wish: Wish) -> None:
        """End the profile."""
        profile = self._by_name(wish.name)
        if profile is not None:
            find(
                self.bedrock.delete_inference_profile,
                inferenceProfileIdentifier=profile["inferenceProfileArn"],
            )


class Throughput:
    """Provisioned Throughput: paid by the hour and model unit from service until deletion."""

    def __init__(self, bedrock: Any) -> None:
        self.bedrock = bedrock

    def observe(self, wish: Wish) -> Observed | None:
        """Look by name."""
        found = find(self.bedrock.get_provisioned_model_throughput, provisionedModelId=wish.name)
        if found is None:
            return None
        arn, units = found["provisionedModelArn"], found["modelUnits"]
        foreign = ""
        if not wish.known and not wish.is_mine(_tags(self.bedrock, arn)):
            foreign = f"The provisioned model {wish.name} is not of this deployment."
        elif found["desiredModelUnits"] != wish.spec["model_units"]:
            foreign = f"{wish.name} has {units} model units instead of {wish.spec['model_units']}."
        return Observed(
            phase=_PHASES[found["status"]],
            outputs={
                "arn": arn,
                "id": arn.rpartition("/")[2],
                "model_units": units,
                **_bound_until(found),
            },
            detail=found.get("failureMessage", ""),
            foreign=foreign,
            capacity=Decimal(units if found["status"] in _SERVING else 0),
        )

    def create(self, wish: Wish) -> None:
        """Buy the model units; the token keeps a repeated order from buying twice."""
        term = wish.spec["term"]
        make(
            self.bedrock.create_provisioned_model_throughput,
            provisionedModelName=wish.name,
            modelId=wish.spec["model"],
            modelUnits=wish.spec["model_units"],
            clientRequestToken=wish.token,
            tags=[{"key": key, "value": value} for key, value in wish.tags.items()],
            **({"commitmentDuration": term} if term else {}),
        )

    def update(self, wish: Wish) -> None:
        """Refuse: AWS has no call that changes model units."""
        raise Permanent("Model units cannot be changed in place; a new size is a new generation.")

    def delete(self, wish: Wish) -> None:
        """End it. Raises Permanent before the end of a commitment."""
        find(self.bedrock.delete_provisioned_model_throughput, provisionedModelId=wish.name)


def _bound_until(found: Mapping[str, Any]) -> Mapping[str, str]:
    """Return until when AWS deletes nothing; empty without a commitment."""
    until = found.get("commitmentExpirationTime")
    return {"bound_until": until.isoformat()} if until else {}


def _tags(bedrock: Any, arn: str) -> Mapping[str, str]:
    reply = find(bedrock.list_tags_for_resource, resourceARN=arn)
    return {tag["key"]: tag["value"] for tag in reply["tags"]} if reply else {}
