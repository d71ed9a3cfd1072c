"""The kernels of the dashboards' server: forked where they can be, as many as there are places."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from jupyter_core.utils import ensure_async
from jupyter_server.services.kernels.kernelmanager import (
    AsyncMappingKernelManager,
    ServerKernelManager,
)
from tornado import web
from traitlets import Integer, default

from journey_widgets.publish.forked_kernels import Forking

NOBODY_LOOKS = 20
"""Seconds after which a kernel that no page is connected to may be ended for a new reader."""
LEFT_ALONE, OPEN = timedelta(minutes=5), timedelta(hours=1)
"""After this a kernel without a page is ended though it works; and one whose page nobody touched."""
FULL = (
    "All places are taken at the moment: as many readers as this machine can serve have dashboards open. This page "
    "tries again by itself."
)


class Said(web.HTTPError):
    """An answer whose words are for readers; those of other errors may name places of this machine."""

    for_readers = True


class ForkedKernel(Forking, ServerKernelManager):
    """The kernel of a page."""


class Kernels(AsyncMappingKernelManager):
    """As many kernels as the machine can hold, and none that nobody looks at."""

    most = Integer(20, config=True)
    _starting = 0

    @default("kernel_manager_class")
    def _default_kernel_manager_class(self) -> str:
        return f"{__name__}.{ForkedKernel.__name__}"

    def __init__(self, **given: Any) -> None:
        self._first: dict[str, int | None] = {}
        self._waiting: set[str] = set()
        super().__init__(**given)

    async def start_kernel(self, **given: Any) -> str:  # type: ignore[override]
        """Start a kernel for a reader where there is a place; otherwise a 503."""
        if (given.get("env") or {}).get("VOILA_PREHEAT") == "True":
            name: str = given.get("kernel_id") or str(uuid4())
            self._waiting.add(name)
            return await self._started(**{**given, "kernel_id": name})
        await self._make_place()
        self._starting += 1
        try:
            return await self._started(**given)
        finally:
            self._starting -= 1

    async def _started(self, **given: Any) -> str:
        started: str = await super().start_kernel(**given)
        self._first[started] = self._process(started)
        return started

    async def hand_over(self, ready: Callable[..., Any], **given: Any) -> Any:
        """Give a reader a kernel that is ready, where there is a place; otherwise a 503."""
        await self._make_place()
        self._starting += 1
        try:
            found = await ready(**given)
            self._waiting.discard(found[2])
            return found
        finally:
            self._starting -= 1

    async def is_as_started(self, kernel_id: str) -> bool:
        """Return whether a kernel is alive and still the process it was: one that died is started anew, and empty."""
        alive = await ensure_async(self.is_alive(kernel_id))
        return bool(alive) and self._process(kernel_id) == self._first.get(kernel_id)

    def _process(self, kernel_id: str) -> int | None:
        found: int | None = getattr(self._kernels[kernel_id].provisioner, "pid", None)
        return found

    def taken(self) -> int:
        """Return how many kernels readers have; those that wait for one do not count."""
        return len(self._kernels.keys() - self._waiting) + self._starting

    async def _make_place(self) -> None:
        while self.taken() >= self.most:
            alone = sorted(
                (k for k in self._kernels if self._may_go(k)), key=lambda k: self._kernels[k].last_activity
            )  # fmt: skip
            if not alone:
                raise Said(503, "%s", FULL)
            await ensure_async(self.shutdown_kernel(alone[0]))

    def _may_go(self, kernel_id: str) -> bool:
        kernel = self._kernels[kernel_id]
        connected = self._kernel_connections.get(kernel_id, 0)
        alone = (
            self._idle(kernel) > timedelta(seconds=NOBODY_LOOKS)
            and kernel.execution_state != "busy"
        )
        return kernel_id not in self._waiting and not connected and alone

    @staticmethod
    def _idle(kernel: Any) -> timedelta:
        since: datetime | None = getattr(kernel, "last_activity", None)
        return datetime.now(UTC) - since if since else timedelta(0)

    async def cull_kernel_if_idle(self, kernel_id: str) -> None:
        """End a kernel that nobody looks at, or whose page nobody touched for long."""
        kernel = self._kernels[kernel_id]
        connected = self._kernel_connections.get(kernel_id, 0)
        if is_left(self._idle(kernel), connected=bool(connected)):
            await ensure_async(self.shutdown_kernel(kernel_id))
            return
        await super().cull_kernel_if_idle(kernel_id)


def is_left(idle: timedelta, *, connected: bool) -> bool:
    """Return whether a kernel is ended though it may be at work: nobody looks at it, or nobody touched its page."""
    return idle > (OPEN if connected else LEFT_ALONE)
