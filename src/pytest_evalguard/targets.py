"""Where results go: from settings to targets, from a target to its service.

A new service is added here, and as a module of `services`.
"""

from __future__ import annotations

from .delivery import Service
from .delivery import Submission
from .delivery import prove
from .session import Session
from .session import Target
from .settings import NEW
from .settings import Settings


def targets_of(settings: Settings) -> tuple[Target, ...]:
    """Return where a session's results are to go."""
    if settings.run_id is None:
        return ()
    target = Target(
        service="evalguard",
        run_id=None if settings.run_id == NEW else settings.run_id,
        url=settings.url,
        proof=prove(settings.key or "", settings.url),
        dialect=settings.dialect,
        batch_size=settings.batch_size,
        project_id=settings.project_id,
        finish=settings.run_id == NEW,
    )
    return (target,)


def built_in_service(target: Target, key: str) -> Service:
    """Return the built-in service of a target, whose module is loaded only now."""
    from .services.evalguard import EvalGuardService

    return EvalGuardService(target, key)


def freeze(session: Session, target: Target) -> Submission:
    """Put a target's requests on disk, as they would be sent."""
    from .services.evalguard import freeze as freeze_batches

    return freeze_batches(session, target).submission()
