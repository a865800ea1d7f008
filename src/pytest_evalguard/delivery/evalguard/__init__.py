"""EvalGuard: runs that a session is sent to, fed with batches of rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from ...config.settings import MAX_BATCH, NEW, Access, Dialect, Settings
from ..target import Target, proof_of, require_id


@dataclass(frozen=True, kw_only=True)
class RunTarget(Target):
    """A run; `run_id` is None for one that is still to be created in `project_id`."""

    is_batched: ClassVar[bool] = True

    service: Literal["evalguard"] = "evalguard"
    run_id: str | None
    dialect: Dialect = "documented"
    batch_size: int = MAX_BATCH
    project_id: str | None = None

    def __post_init__(self) -> None:
        """Check what may come from elsewhere.

        :raises ValueError: `batch_size` is out of its bounds, or the id is none.
        """
        if self.run_id is not None:
            require_id(self.run_id)
        if not 1 <= self.batch_size <= MAX_BATCH:
            raise ValueError(f"batch_size is not within 1..{MAX_BATCH}")

    @property
    def id(self) -> str | None:
        """The run's id."""
        return self.run_id

    def at(self, identity: str) -> RunTarget:
        """Return the same target with the id of a run that is there."""
        return replace(self, run_id=identity)


TARGET = RunTarget


def new_target(settings: Settings, access: Access) -> RunTarget:
    """Return the run that a session is to be sent to."""
    is_new = access.id == NEW
    return RunTarget(
        run_id=None if is_new else access.id,
        url=access.url,
        proof=proof_of(access),
        dialect=settings.dialect,
        batch_size=settings.batch_size,
        project_id=settings.project_id,
        finish=is_new,
    )
