"""Which case is sent to which prompt of an agent, and which to none, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ...analysis.totals import MAX_SHOWN, Names
from ...model.case import Case
from ..outbox import LeftOut
from .prompts import PromptIds, prompt_of

NO_RESPONSE = "without a response"
NO_PROMPT = "without a prompt id (see prompt_id= and pytest-evalguard prompts push)"
SHARED = "on a prompt that another one is on, too: each needs a prompt_id= of its own"


def assign(
    cases: Iterable[Case],
    known: Iterable[PromptIds],
    frozen: Mapping[int, str | None],
) -> tuple[dict[str, int], list[LeftOut]]:
    """Return the prompt of each case that can be sent, and the cases that can't be.

    :param known: where to look for the prompt of a case whose mark names none.
    :param frozen: the prompts that have a case for good, each with its node id.
    """
    known, done = tuple(known), set(frozen.values())
    names: dict[str, Names] = {}
    owners: dict[int, list[str]] = {}
    for case in cases:
        if case.nodeid in done:
            continue
        prompt_id = prompt_of(case, *known)
        why = _obstacle(case, prompt_id)
        if why is not None:
            names.setdefault(why, Names(MAX_SHOWN)).add(case.nodeid)
        elif prompt_id is not None:
            owners.setdefault(prompt_id, []).append(case.nodeid)
    ids: dict[str, int] = {}
    for prompt_id, sharing in owners.items():
        if len(sharing) == 1 and prompt_id not in frozen:
            ids[sharing[0]] = prompt_id
            continue
        found = names.setdefault(SHARED, Names(MAX_SHOWN))
        for nodeid in sharing:
            found.add(f"{nodeid} (prompt {prompt_id})")
    left = [LeftOut(why, each.count, tuple(each.first)) for why, each in names.items()]
    return ids, sorted(left, key=lambda each: each.why)


def _obstacle(case: Case, prompt_id: int | None) -> str | None:
    if not case.has_row:
        return case.outcome
    if case.actual is None:
        return NO_RESPONSE
    return NO_PROMPT if prompt_id is None else None
