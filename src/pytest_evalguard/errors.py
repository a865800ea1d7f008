"""Exceptions of pytest-evalguard.

EvalguardError
├── ConfigurationError   a setting, mark or argument is wrong: nothing was run or sent
├── ScorerError          a scorer failed, so its result has no score
├── SessionError         a session directory can't be read, written or found
│   └── MergeError       sessions can't be merged: they overlap, or some are missing
└── ServiceError         a service refused, or could not be reached in time
"""

from __future__ import annotations


class EvalguardError(Exception):
    """Base of everything that this package raises on purpose."""


class ConfigurationError(EvalguardError):
    """A setting, mark or argument is wrong; the message says which and what to do."""


class ScorerError(EvalguardError, TypeError):
    """A scorer failed: its result has no score and says nothing about the test."""


class SessionError(EvalguardError):
    """A session directory can't be read, written or found."""


class MergeError(SessionError):
    """Sessions can't be merged: they overlap, or there are not as many as expected."""


class ServiceError(EvalguardError):
    """A service refused a request, or could not be reached in time."""
