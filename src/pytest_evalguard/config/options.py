"""The command line options and ini settings, as pytest shows them."""

from __future__ import annotations

import pytest

# (name after --evalguard-, metavar or None for a flag, help)
_OPTIONS: tuple[tuple[str, str | None, str], ...] = (
    (
        "run",
        "ID",
        "submit the results to this EvalGuard run; 'new' creates one in the project"
        " EVALGUARD_PROJECT_ID (env: EVALGUARD_RUN_ID). The key is read from"
        " EVALGUARD_API_KEY",
    ),
    (
        "url",
        "URL",
        "base URL of EvalGuard (env: EVALGUARD_BASE_URL, default: https://evalguard.ai)",
    ),
    (
        "agent",
        "AGENT_ID",
        "submit one result a prompt to this agent of an agent-evaluation service (env:"
        " EVALGUARD_AGENT_ID). The key is read from EVALGUARD_AGENT_API_KEY",
    ),
    (
        "agent-url",
        "URL",
        "base URL of the agent-evaluation service (env: EVALGUARD_AGENT_URL, default:"
        " https://agent-evalserver-production.up.railway.app)",
    ),
    (
        "out",
        "DIR",
        "where sessions are kept (env: EVALGUARD_OUT, default: .evalguard in rootdir)",
    ),
    ("dry-run", None, "do everything but send"),
    (
        "strict",
        None,
        "a failed submission fails the session (env: EVALGUARD_STRICT)",
    ),
    (
        "timeout",
        "SECONDS",
        "total time that submitting may take at the session's end, retries and waits"
        " included (default: 60)",
    ),
    (
        "trials",
        "N",
        "run each marked test N times; it passes when all runs do, or as many as"
        " require= in its mark says",
    ),
    (
        "min-pass-rate",
        "[TAG:]F",
        "fail the session below this pass rate, 0 to 1; with a tag, that of the cases"
        " that carry it. Repeatable",
    ),
    (
        "min-score",
        "[NAME:]F",
        "fail the session below this mean score, 0 to 1; with a name, that of a named"
        " scorer. Repeatable",
    ),
    (
        "baseline",
        "SESSION",
        "compare with an earlier session: its directory, 'last', or a file that"
        " 'pytest-evalguard bless' wrote",
    ),
    (
        "max-regressions",
        "N",
        "fail the session when more cases than this passed in the baseline and do not"
        " now",
    ),
    ("html", "PATH", "write a report page, one HTML file"),
)
_REPEATABLE = frozenset(("min-pass-rate", "min-score"))

# (name after evalguard_, type, default, help)
_INI: tuple[tuple[str, str, object, str], ...] = (
    ("url", "string", "", "base URL of EvalGuard"),
    ("agent_url", "string", "", "base URL of the agent-evaluation service"),
    ("agent_concurrency", "int", 4, "agent results sent at once, 1 to 4"),
    ("out", "string", "", "where sessions are kept, relative to rootdir"),
    ("strict", "bool", False, "a failed submission fails the session"),
    ("timeout", "float", 60.0, "seconds that submitting may take"),
    ("dialect", "string", "documented", "shape of the rows: documented or sdk"),
    ("batch_size", "int", 1000, "rows a request, 1 to 1000"),
    ("keep", "int", 20, "finished sessions kept on disk; unsent ones always are"),
    ("mark", "string", "eval", "name of the mark, where another plugin owns 'eval'"),
    ("redact", "bool", True, "replace what looks like a secret"),
    ("trials", "int", 1, "how often each marked test runs; 1 is off"),
    ("min_pass_rate", "linelist", [], "least pass rates, one [TAG:]F a line"),
    ("min_score", "linelist", [], "least mean scores, one [NAME:]F a line"),
    ("baseline", "string", "", "what to compare with: a directory, file, or 'last'"),
    ("max_regressions", "int", None, "most cases that may pass no more"),
    ("run_link", "string", "", "link to a run, with {run_id}, shown when submitted"),
)


def add_options(parser: pytest.Parser) -> None:
    """Add all options and ini settings to pytest's parser."""
    group = parser.getgroup("evalguard", "eval results (pytest-evalguard)")
    for name, metavar, text in _OPTIONS:
        dest = f"evalguard_{name.replace('-', '_')}"
        action = "append" if name in _REPEATABLE else "store"
        if metavar is None:
            group.addoption(
                f"--evalguard-{name}", action="store_true", dest=dest, help=text
            )
        else:
            group.addoption(
                f"--evalguard-{name}",
                action=action,
                metavar=metavar,
                dest=dest,
                help=text,
            )
    for name, kind, default, text in _INI:
        parser.addini(f"evalguard_{name}", text, type=kind, default=default)  # type: ignore[arg-type] # one of pytest's literals
