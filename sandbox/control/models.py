"""Foundation models and system inference profiles of the pretend Region, from a dated data file."""

import functools
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sandbox.state import ACCOUNT_ID, REGION
from sandbox.wire import AwsError, Call, iso

_DATA = Path(__file__).parent.parent / "data" / "foundation_models.json"
_PROFILE_REGIONS = {
    "us": ("us-east-1", "us-east-2", "us-west-2"),
    "global": ("us-east-1", ""),
}
_PROFILES_SINCE = datetime(2026, 11, 1, tzinfo=UTC).timestamp()


@dataclass(frozen=True, slots=True)
class FoundationModel:
    """One foundation model of us-east-1 and what may be done with it."""

    model_id: str
    provider: str
    status: str
    legacy_date: date | None
    eol_date: date | None
    system_profile_ids: tuple[str, ...]
    on_demand_in_region: bool
    vision: bool
    provisioned_model_ids: tuple[str, ...]

    @property
    def arn(self) -> str:
        """The model's ARN."""
        return f"arn:aws:bedrock:{REGION}::foundation-model/{self.model_id}"

    def lifecycle(self, now: float) -> str:
        """Return ACTIVE, LEGACY or EOL at a moment."""
        today = datetime.fromtimestamp(now, UTC).date()
        if self.status == "EOL" or (self.eol_date and self.eol_date <= today):
            return "EOL"
        return "LEGACY" if self.status == "Legacy" else "ACTIVE"


@functools.cache
def catalog() -> dict[str, FoundationModel]:
    """Return every known model by its id."""
    rows = json.loads(_DATA.read_text())["models"]
    return {row["model_id"]: _model(row) for row in rows}


def _model(row: dict[str, Any]) -> FoundationModel:
    return FoundationModel(
        model_id=row["model_id"],
        provider=row["provider"],
        status=row["status"],
        legacy_date=_date(row["legacy_date"]),
        eol_date=_date(row["eol_date"]),
        system_profile_ids=tuple(
            p for p in row["system_profile_ids"] if p.partition(".")[0] in _PROFILE_REGIONS
        ),
        on_demand_in_region=row["on_demand_in_region"],
        vision=row["vision"],
        provisioned_model_ids=tuple(row["provisioned_model_ids"]),
    )


def _date(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


@functools.cache
def system_profiles() -> dict[str, FoundationModel]:
    """Return the model behind each system inference profile id."""
    return {p: model for model in catalog().values() for p in model.system_profile_ids}


def find(identifier: str) -> FoundationModel | None:
    """Return the model with this id or ARN; a context suffix such as `:24k` is no id."""
    return catalog().get(identifier.rpartition("foundation-model/")[2])


def find_provisionable(identifier: str) -> tuple[FoundationModel, str] | None:
    """Return the model that can be bought as model units under this id, and that id."""
    wanted = identifier.rpartition("foundation-model/")[2]
    for model in catalog().values():
        if wanted in model.provisioned_model_ids:
            return model, wanted
    return None


def system_profile_arn(profile_id: str) -> str:
    """Return the ARN of a system profile as this account sees it."""
    return f"arn:aws:bedrock:{REGION}:{ACCOUNT_ID}:inference-profile/{profile_id}"


def system_profile(profile_id: str) -> dict[str, Any] | None:
    """Return a system profile as GetInferenceProfile shows it."""
    model = system_profiles().get(profile_id)
    if model is None:
        return None
    regions = _PROFILE_REGIONS[profile_id.partition(".")[0]]
    return {
        "inferenceProfileName": f"{profile_id.partition('.')[0].upper()} {model.model_id}",
        "inferenceProfileArn": system_profile_arn(profile_id),
        "inferenceProfileId": profile_id,
        "models": [
            {"modelArn": f"arn:aws:bedrock:{r}::foundation-model/{model.model_id}"} for r in regions
        ],
        "status": "ACTIVE",
        "type": "SYSTEM_DEFINED",
        "createdAt": iso(_PROFILES_SINCE),
        "updatedAt": iso(_PROFILES_SINCE),
    }


def get_foundation_model(call: Call) -> dict[str, Any]:
    """Return one model with its lifecycle; an unknown or ended one is not found."""
    identifier = call.parameters["modelIdentifier"]
    model = find(identifier)
    if model is None or model.lifecycle(call.now) == "EOL":
        raise AwsError(
            "ResourceNotFoundException",
            f"Could not resolve the foundation model from the model identifier: {identifier}",
            status=404,
        )
    return {"modelDetails": _details(model, call.now)}


def list_foundation_models(call: Call) -> dict[str, Any]:
    """Return the models that are not at their end of life, filtered as asked."""
    found = [m for m in catalog().values() if m.lifecycle(call.now) != "EOL"]
    if provider := call.parameters.get("byProvider"):
        found = [m for m in found if m.provider.lower() == provider.lower()]
    rows = [_details(m, call.now) for m in found]
    if kind := call.parameters.get("byInferenceType"):
        rows = [r for r in rows if kind in r["inferenceTypesSupported"]]
    if output := call.parameters.get("byOutputModality"):
        rows = [r for r in rows if output in r["outputModalities"]]
    if wish := call.parameters.get("byCustomizationType"):
        rows = [r for r in rows if wish in r["customizationsSupported"]]
    return {"modelSummaries": rows}


def _details(model: FoundationModel, now: float) -> dict[str, Any]:
    types = (["ON_DEMAND"] if model.on_demand_in_region else []) + (
        ["PROVISIONED"] if model.provisioned_model_ids else []
    )
    lifecycle = {"status": model.lifecycle(now)}
    if model.legacy_date:
        lifecycle["legacyTime"] = f"{model.legacy_date}T00:00:00Z"
    if model.eol_date:
        lifecycle["endOfLifeTime"] = f"{model.eol_date}T00:00:00Z"
    return {
        "modelArn": model.arn,
        "modelId": model.model_id,
        "modelName": model.model_id.partition(".")[2],
        "providerName": model.provider,
        "inputModalities": ["TEXT", "IMAGE"] if model.vision else ["TEXT"],
        "outputModalities": ["TEXT"],
        "responseStreamingSupported": True,
        "customizationsSupported": [],
        "inferenceTypesSupported": types or ["INFERENCE_PROFILE"],
        "modelLifecycle": lifecycle,
    }
