"""Lambda: a function, its published version, the alias callers use, and its URL."""

from __future__ import annotations

import io
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

from deployments.adapters.refusals import ask, find, make
from deployments.domain.lifecycle import Observed, Phase
from deployments.domain.target import Permanent, Wish

SOURCES = Path(__file__).resolve().parent.parent / "data" / "functions"
_PHASES = {
    "Pending": Phase.CREATING,
    "Active": Phase.READY,
    "Inactive": Phase.READY,  # idle for weeks; AWS wakes it at the next call
    "Failed": Phase.FAILED,
}


class Function:
    """A function with its code, settings and reserved concurrency."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def observe(self, wish: Wish) -> Observed | None:
        """Look at configuration, tags and concurrency."""
        found = find(self.client.get_function, FunctionName=wish.name)
        if found is None:
            return None
        if not wish.is_mine(found.get("Tags", {})):
            return Observed(
                Phase.READY, foreign=f"The function {wish.name} is not of this deployment."
            )
        settings = found["Configuration"]
        phase = _PHASES[settings.get("State", "Active")]
        if phase is Phase.READY and settings.get("LastUpdateStatus") == "InProgress":
            phase = Phase.UPDATING
        reserved = found.get("Concurrency", {}).get("ReservedConcurrentExecutions", 0)
        return Observed(
            phase=phase,
            outputs={"arn": settings["FunctionArn"], "memory_mb": settings["MemorySize"]},
            detail=settings.get("StateReason", ""),
            differs=reserved != wish.spec["reserved_concurrency"],
        )

    def create(self, wish: Wish) -> None:
        """Make the function; its concurrency follows as an update."""
        spec = wish.spec
        make(
            self.client.create_function,
            FunctionName=wish.name,
            Runtime=spec["runtime"],
            Role=spec["role"],
            Handler=spec["handler"],
            Code={"ZipFile": package(spec["source"])},
            Description="Made by Slipway.",
            Timeout=spec["timeout_seconds"],
            MemorySize=spec["memory_mb"],
            Environment={"Variables": dict(spec["environment"])},
            Architectures=[spec["architecture"]],
            Tags=dict(wish.tags),
        )

    def update(self, wish: Wish) -> None:
        """Set the reserved concurrency; 0 in the specification means none is reserved."""
        reserved = wish.spec["reserved_concurrency"]
        if reserved:
            ask(
                self.client.put_function_concurrency,
                FunctionName=wish.name,
                ReservedConcurrentExecutions=reserved,
            )
        else:
            ask(self.client.delete_function_concurrency, FunctionName=wish.name)

    def delete(self, wish: Wish) -> None:
        """End the function."""
        find(self.client.delete_function, FunctionName=wish.name)


class Version:
    """The published, unchangeable version; publishing the same code twice gives the same one."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def observe(self, wish: Wish) -> Observed | None:
        """Look for the version whose description is our name."""
        asked = {"FunctionName": wish.spec["function"]}
        while True:
            reply = find(self.client.list_versions_by_function, **asked)
            if reply is None:
                return None
            for version in reply["Versions"]:
                if version.get("Description") == wish.name and version["Version"] != "$LATEST":
                    outputs = {"version": version["Version"], "arn": version["FunctionArn"]}
                    return Observed(Phase.READY, outputs=outputs)
            if not reply.get("NextMarker"):
                return None
            asked["Marker"] = reply["NextMarker"]

    def create(self, wish: Wish) -> None:
        """Publish."""
        ask(
            self.client.publish_version,
            FunctionName=wish.spec["function"],
            Description=wish.name,
        )

    def update(self, wish: Wish) -> None:
        """Refuse: a version never changes."""
        raise Permanent("A published version never changes.")

    def delete(self, wish: Wish) -> None:
        """End the version."""
        found = self.observe(wish)
        if found is not None:
            find(
                self.client.delete_function,
                FunctionName=wish.spec["function"],
                Qualifier=found.outputs["version"],
            )


class Alias:
    """The lasting name that points to a version."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def observe(self, wish: Wish) -> Observed | None:
        """Look at where it points."""
        found = find(
            self.client.get_alias, FunctionName=wish.spec["function"], Name=wish.spec["alias"]
        )
        if found is None:
            return None
        return Observed(
            Phase.READY,
            outputs={"arn": found["AliasArn"], "version": found["FunctionVersion"]},
            differs=found["FunctionVersion"] != wish.spec["version"],
        )

    def create(self, wish: Wish) -> None:
        """Make it."""
        make(self.client.create_alias, **self._wanted(wish))

    def update(self, wish: Wish) -> None:
        """Point it to the specified version."""
        ask(self.client.update_alias, **self._wanted(wish))

    def _wanted(self, wish: Wish) -> dict[str, str]:
        return {
            "FunctionName": wish.spec["function"],
            "Name": wish.spec["alias"],
            "FunctionVersion": wish.spec["version"],
        }

    def delete(self, wish: Wish) -> None:
        """End it."""
        find(
            self.client.delete_alias,
            FunctionName=wish.spec["function"],
            Name=wish.spec["alias"],
        )


class Url:
    """The function's own HTTPS address, for callers who sign with IAM."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def observe(self, wish: Wish) -> Observed | None:
        """Look at the address and who may call it."""
        found = find(self.client.get_function_url_config, **self._where(wish))
        if found is None:
            return None
        return Observed(
            Phase.READY,
            outputs={"url": found["FunctionUrl"]},
            differs=found["AuthType"] != wish.spec["auth"],
        )

    def create(self, wish: Wish) -> None:
        """Make it."""
        make(
            self.client.create_function_url_config,
            AuthType=wish.spec["auth"],
            **self._where(wish),
        )

    def update(self, wish: Wish) -> None:
        """Let only those call it who may."""
        ask(
            self.client.update_function_url_config,
            AuthType=wish.spec["auth"],
            **self._where(wish),
        )

    def delete(self, wish: Wish) -> None:
        """End it."""
        find(self.client.delete_function_url_config, **self._where(wish))

    def _where(self, wish: Wish) -> dict[str, str]:
        return {"FunctionName": wish.spec["function"], "Qualifier": wish.spec["alias"]}


@cache
def package(source: str) -> bytes:
    """Return a ZIP of one source file: the same bytes every time, so the same version."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        entry = zipfile.ZipInfo(f"{source}.py", date_time=(2020, 1, 1, 0, 0, 0))
        entry.external_attr = 0o644 << 16
        archive.writestr(entry, (SOURCES / f"{source}.py").read_text("utf-8"))
    return buffer.getvalue()
