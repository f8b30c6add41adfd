"""The peer of the gateway's figures, LiteLLM's proxy, where LITELLM names its folder.

`python -m venv /tmp/litellm && /tmp/litellm/bin/pip install "litellm[proxy]"`, then
`LITELLM=/tmp/litellm python -m benchmarks gateway`: one worker, no database, no budgets, no logs.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

KEY = "sk-benchmark"
OPTIONS = ("--host", "127.0.0.1", "--num_workers", "1", "--telemetry", "False")


def version(folder: Path) -> str:
    """Return which LiteLLM is installed there."""
    command = [folder / "bin" / "python", "-m", "pip", "show", "litellm"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return next(line.split()[1] for line in shown.splitlines() if line.startswith("Version:"))


@contextmanager
def proxy(*, folder: Path, upstream: str, port: int) -> Iterator[None]:
    """Run the proxy before the upstream until the block ends; it may not answer yet."""
    target = {
        "model": "bedrock/converse/m.small",
        "aws_bedrock_runtime_endpoint": upstream,
        "aws_region_name": "us-east-1",
        "aws_access_key_id": "benchmark",
        "aws_secret_access_key": "benchmark",
    }
    told = {
        "model_list": [{"model_name": "chat", "litellm_params": target}],
        "general_settings": {"master_key": KEY},
    }
    # What it would fetch at its start is not there, and its own list does as well.
    known = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    with tempfile.TemporaryDirectory() as place:
        config = Path(place) / "config.yaml"
        config.write_text(json.dumps(told))  # JSON is YAML.
        process = subprocess.Popen(
            [folder / "bin" / "litellm", "--config", config, "--port", str(port), *OPTIONS],
            env=known | {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR"},
            cwd=place,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
