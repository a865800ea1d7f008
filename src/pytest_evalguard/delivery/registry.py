"""From what is known of services to their targets, and from a target to its service.

A service is a package, loaded when it is needed: it has the type of its targets and
makes one, and its module ``service`` brings results there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from ..config.settings import Access, Settings, service_named
from ..errors import SessionError
from ..storage.files import validator
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
    package: Any = import_module(access.service.package)
    target: Target = package.new_target(settings, access)
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
    package: Any = import_module(service.package)
    try:
        target: Target = validator(package.TARGET).validate_python(data)
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
    module: Any = import_module(f"{target.info.package}.service")
    service: BuiltIn = module.open_service(
        target, key, directory, progress or Progress()
    )
    return service
