"""Starts processes in order, waits until each is ready, restarts what crashes, stops in order.

Popen and one loop: on CPython 3.11 asyncio's wait() hangs while an orphan holds the pipe, and no
thread is started because of what portal.embedded.outputs says of them.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from portal.embedded.children import tied
from portal.embedded.guard import Guard
from portal.embedded.outputs import Outputs
from portal.embedded.terminal import Terminal

READY_WITHIN_S = 120
CRASHES_ALLOWED = 5
CRASH_WINDOW_S = 60
LONGEST_BACKOFF_S = 5
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Service:
    """One process: how to start it, when it counts as ready, and how it stops.

    `is_task` ends by itself and is ready when it ended well. `is_essential` stops everything when
    it crashes. Services with a lower `stops` stop first. `mark` is a file it touches when ready.
    """

    name: str
    command: Sequence[str | Path]
    is_ready: Callable[[], bool]
    needs: tuple[str, ...] = ()
    environment: Callable[[], Mapping[str, str]] = dict
    on_ready: Callable[[], None] = lambda: None
    mark: Path | None = None
    is_task: bool = False
    is_essential: bool = False
    stops: int = 0
    stop_signal: signal.Signals = signal.SIGTERM
    stop_within_s: float = 4
    last_signal: signal.Signals = signal.SIGKILL


@dataclass(slots=True)
class Run:
    """A service's present state."""

    service: Service
    process: subprocess.Popen[bytes] | None = None
    is_ready: bool = False
    is_done: bool = False
    started_at: float = 0
    not_before: float = 0
    crashes: list[float] = field(default_factory=list)


class Supervisor:
    """Runs services until a signal, or until an essential one is lost.

    Start it from the main thread, and start no other: children are tied to the thread that made
    them, and hear of every thread that ends.
    """

    def __init__(
        self, *, services: Sequence[Service], environment: Mapping[str, str], terminal: Terminal
    ) -> None:
        self.runs = {service.name: Run(service) for service in services}
        self.environment = dict(environment)
        self.terminal = terminal
        self.outputs = Outputs(hear=terminal.hear)
        self.guard = Guard()
        self.interrupts = 0
        self.exit_code: int | None = None

    @property
    def is_stopping(self) -> bool:
        """Say whether somebody asked to stop, or something essential failed."""
        return self.interrupts > 0 or self.exit_code is not None

    def run(self, *, folder: Path, on_ready: Callable[[float], None]) -> int:
        """Return the exit code when everything has stopped; `on_ready` gets the seconds it took."""
        began, is_announced = time.monotonic(), False
        before = {number: signal.signal(number, self._interrupt) for number in STOP_SIGNALS}
        try:
            while not self.is_stopping:
                for run in self.runs.values():
                    self._look_after(run, folder=folder, now=time.monotonic())
                if not is_announced and all(run.is_ready for run in self.runs.values()):
                    is_announced = True
                    on_ready(time.monotonic() - began)
                self.outputs.listen(for_s=0.2 if is_announced else 0.03)
        finally:
            self._stop_all()
            self.guard.leave()
            for number, handler in before.items():
                signal.signal(number, handler)
        return self.exit_code or 0

    def _interrupt(self, number: int, frame: object) -> None:
        self.interrupts += 1

    def _look_after(self, run: Run, *, folder: Path, now: float) -> None:
        if self.is_stopping or run.is_done:
            return
        if run.process is None:
            needs = [self.runs[name] for name in run.service.needs if name in self.runs]
            if now >= run.not_before and all(need.is_ready for need in needs):
                self._start(run, folder=folder, now=now)
        elif (code := run.process.poll()) is not None:
            self._ended(run, code=code, now=now)
        elif not run.is_ready and not run.service.is_task:
            self._ask(run, now=now)

    def _start(self, run: Run, *, folder: Path, now: float) -> None:
        service = run.service
        if service.mark is not None:
            service.mark.unlink(missing_ok=True)
        run.started_at = now
        run.process = subprocess.Popen(
            tied(service.command, dies_by=service.stop_signal),
            cwd=folder,
            env={**self.environment, **service.environment()},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # Ctrl-C reaches only the supervisor, and the group can be swept after a crash.
            start_new_session=True,
        )
        self.guard.watch(run.process.pid, within_s=service.stop_within_s)
        if run.process.stdout is not None:
            self.outputs.follow(service.name, run.process.stdout)

    def _ask(self, run: Run, *, now: float) -> None:
        if run.service.is_ready():
            self._mark_ready(run, now=now)
        elif now - run.started_at > READY_WITHIN_S:
            self._give_up(run, f"was not ready within {READY_WITHIN_S} s")

    def _mark_ready(self, run: Run, *, now: float) -> None:
        run.is_ready = True
        run.service.on_ready()
        what = "done" if run.service.is_task else "ready"
        self.terminal.say(f"{run.service.name} {what} in {now - run.started_at:.1f} s")

    def _ended(self, run: Run, *, code: int, now: float) -> None:
        if run.process is not None:
            _signal_group(run.process, signal.SIGKILL)
        if run.service.is_task and code == 0:
            # Forgotten, as its number may be another process's by the time all stops.
            run.is_done, run.process = True, None
            self._mark_ready(run, now=now)
            return
        run.crashes = [at for at in run.crashes if now - at < CRASH_WINDOW_S] + [now]
        if run.service.is_task or run.service.is_essential:
            self._give_up(run, f"ended with {code}")
        elif len(run.crashes) >= CRASHES_ALLOWED:
            self._give_up(run, f"crashed {len(run.crashes)} times within {CRASH_WINDOW_S} s")
        else:
            wait = min(0.25 * 2 ** len(run.crashes), LONGEST_BACKOFF_S)
            self.terminal.say(f"{run.service.name} ended with {code}; again in {wait:.1f} s")
            run.process, run.is_ready, run.not_before = None, False, now + wait

    def _give_up(self, run: Run, why: str) -> None:
        self.outputs.listen(for_s=0.05)
        self.terminal.tail(run.service.name)
        self.terminal.say(f"{run.service.name} {why}: everything stops")
        self.exit_code = 1

    def _stop_all(self) -> None:
        self.terminal.is_quiet = True
        began = time.monotonic()
        running = [run for run in self.runs.values() if run.process is not None]
        for stage in sorted({run.service.stops for run in running}):
            self._stop([run for run in running if run.service.stops == stage])
        self.outputs.listen(for_s=0)
        self.terminal.say(f"stopped in {time.monotonic() - began:.1f} s")

    def _stop(self, runs: Sequence[Run]) -> None:
        interrupts, began = self.interrupts, time.monotonic()
        processes = [(run.service, run.process) for run in runs if run.process is not None]
        for service, process in processes:
            if process.poll() is None:
                process.send_signal(service.stop_signal)
        for service, process in processes:
            # A second Ctrl-C means now.
            while process.poll() is None and self.interrupts <= max(interrupts, 1):
                if time.monotonic() - began > service.stop_within_s:
                    break
                self.outputs.listen(for_s=0.02)
            self._make_sure(service, process)

    def _make_sure(self, service: Service, process: subprocess.Popen[bytes]) -> None:
        if process.poll() is None:
            self.terminal.say(f"{service.name} did not stop by itself; it is made to")
            _signal_group(process, service.last_signal)
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=3)
        _signal_group(process, signal.SIGKILL)
        process.wait()


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Signal the process and those it left behind (granian's workers, Celery's pool)."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
