"""Records pytest tests as eval cases and submits them to EvalGuard."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .delivery.deadline import Deadline
    from .delivery.outbox import LeftOut, Service, Submission
    from .errors import (
        ConfigurationError,
        EvalguardError,
        ScorerError,
        ServiceError,
        SessionError,
    )
    from .model.case import Attempt, Case, ScorerResult
    from .model.figures import Metric, Table
    from .model.outcome import Outcome
    from .recording.recorder import EvalCase
    from .storage.session import Session
else:

    def __getattr__(name: str) -> object:
        # pytest imports this package at every start: only what is used is loaded
        from importlib import import_module

        for home in _HOMES if name in __all__ else ():
            module = import_module(f".{home}", __name__)
            if hasattr(module, name):
                return getattr(module, name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__version__ = "0.1.0.dev0"

__all__ = [
    "Attempt",
    "Case",
    "ConfigurationError",
    "Deadline",
    "EvalCase",
    "EvalguardError",
    "LeftOut",
    "Metric",
    "Outcome",
    "ScorerError",
    "ScorerResult",
    "Service",
    "ServiceError",
    "Session",
    "SessionError",
    "Submission",
    "Table",
    "__version__",
]

_HOMES = (
    "model.case",
    "errors",
    "delivery.deadline",
    "recording.recorder",
    "storage.session",
    "delivery.outbox",
    "model.figures",
)
