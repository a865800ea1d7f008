"""From what is known of services to their targets, and from a target to its service.

A service is a folder with two modules, loaded when they are needed: ``target`` has the
type of its targets and makes one, ``service`` brings results there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from ..config.services import Access, service_named
from ..config.settings import Settings
from ..errors import SessionError
from ..start import ServiceInfo
from ..storage.schemas import validator
from ..storage.session import Session, SessionState
from .deadline import Deadline
from .outbox import Service, Submission
from .sending import Progress
from .target import Target


class BuiltIn(Service, Protocol):
    """A service of this package."""

    def prepare(self, name: str, deadline: Deadline) -> Target:
        """Check the target before the session's first test; return it, ready."""
        ...

    def preview(self, session: Session) -> Submission:
        """Say what would be sent, without sending anything."""
        ...


class Batched(BuiltIn, Protocol):
    """A service of this package that takes many results in a request."""

    def freeze_anew(
        self, session: Session, changes: Mapping[str, str | int], deadline: Deadline
    ) -> None:
        """Freeze rejected results by other settings, where these are other ones."""
        ...


def targets_of(settings: Settings) -> tuple[Target, ...]:
    """Return where a session's results are to go."""
    return tuple(new_target(settings, each) for each in settings.targeted)


def new_target(settings: Settings, access: Access) -> Target:
    """Return a target at a service, with what the settings say for it."""
    target: Target = _module(access.service, "target").new_target(settings, access)
    return target


def stored_targets(session: Session) -> tuple[Target, ...]:
    """Return the targets that are kept with a session.

    :raises SessionError: its state can't be read, or one is of an unknown service.
    """
    return tuple(_stored_target(session, each) for each in session.state.targets)


def _stored_target(session: Session, data: Any) -> Target:
    try:
        service = service_named(data["service"])
    except (KeyError, TypeError) as error:
        raise SessionError(
            f"{session.path} goes to a service that this version of pytest-evalguard"
            " does not know: use the one that recorded it, or a newer one"
        ) from error
    kind = _module(service, "target").TARGET
    try:
        target: Target = validator(kind).validate_python(data)
    except ValueError as error:
        why = " ".join(str(error).split())[:200]
        raise SessionError(f"{session.path} can't be read: {why}") from error
    return target


def with_targets(state: SessionState, targets: Iterable[Target]) -> SessionState:
    """Return a session's state with other targets."""
    return replace(state, targets=tuple(map(asdict, targets)))


def built_in_service(
    target: Target, key: str, directory: Path, progress: Progress | None = None
) -> BuiltIn:
    """Return the built-in service of a target.

    :param directory: where the project's lock file of prompts is, if it has one.
    """
    module = _module(target.info, "service")
    service: BuiltIn = module.open_service(
        target, key, directory, progress or Progress()
    )
    return service


def _module(service: ServiceInfo, name: str) -> Any:
    return import_module(f"{service.package}.{name}")
