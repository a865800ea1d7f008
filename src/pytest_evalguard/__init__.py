"""Records pytest tests as eval cases and submits them to EvalGuard."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .case import Attempt
    from .case import Case
    from .case import Outcome
    from .case import ScorerResult
    from .delivery import Service
    from .delivery import Submission
    from .recorder import EvalCase

__version__ = "0.1.0.dev0"

__all__ = [
    "Attempt",
    "Case",
    "EvalCase",
    "Outcome",
    "ScorerResult",
    "Service",
    "Submission",
    "__version__",
]


def __getattr__(name: str) -> object:
    # pytest imports this package at every start: nothing is loaded before it is used
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import case
    from . import delivery
    from . import recorder

    for module in (case, recorder, delivery):
        if hasattr(module, name):
            return getattr(module, name)
    raise AttributeError(name)
