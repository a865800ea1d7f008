"""An agent's prompts: which of them a case answers, and the lock file that says so.

The lock file is JSON to be committed. By agent, it has of each prompt its id, the
SHA-256 of its text, and the node ids of the tests that answer it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from ...config.settings import PROMPTS_LOCK
from ...errors import ConfigurationError
from ...model.case import Case, is_prompt_id
from ...model.figures import MAX_SHOWN, CaseNames
from ...storage.files import read_checked, replace_shared_file
from ..outbox import LeftOut

SCHEMA = 1


@dataclass(frozen=True)
class Prompt:
    """A prompt of an agent, and the tests that are known to answer it."""

    id: int
    sha256: str
    nodeids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check what may come from elsewhere.

        :raises ValueError: the id is none that a prompt can have.
        """
        if not is_prompt_id(self.id):
            raise ValueError(f"a prompt's id is within 0..2**63-1, got {self.id}")


@dataclass(frozen=True)
class LockFile:
    """What the lock file holds: the prompts of each agent, by its id."""

    agents: dict[str, tuple[Prompt, ...]] = field(default_factory=dict)
    schema: int = SCHEMA


class PromptIds:
    """Finds the id of the prompt that a case answers."""

    def __init__(self, prompts: Iterable[Prompt]) -> None:
        # of two prompts with one text, the first that was created
        self.prompts = sorted(prompts, key=lambda each: each.id, reverse=True)
        self._by_text = {each.sha256: each.id for each in self.prompts}
        self._by_nodeid = {
            nodeid: each.id for each in self.prompts for nodeid in each.nodeids
        }

    def with_text(self, text: str) -> int | None:
        """Return the id of a prompt with this very text."""
        return self._by_text.get(text_hash(text))

    def of(self, case: Case) -> int | None:
        """Return the id of the prompt that a case answers.

        Where a test recorded its input, nothing but that text tells: its node id may
        stand beside the question that it asked before.
        """
        found = self.with_text(case.input)
        if found is None and case.default_input:
            found = self._by_nodeid.get(case.nodeid)
        return found


def text_hash(text: str) -> str:
    """Return the SHA-256 of a prompt's text, in hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def prompt_of(case: Case, *known: PromptIds) -> int | None:
    """Return the prompt that a case answers: its mark's, else the first one known."""
    if case.prompt_id is not None:
        return case.prompt_id if is_prompt_id(case.prompt_id) else None
    found = (each.of(case) for each in known)
    return next((each for each in found if each is not None), None)


def read_lock(path: Path) -> LockFile:
    """Return what a lock file holds; nothing when there is none.

    :raises ConfigurationError: it can't be read, or another version wrote it.
    """
    if not path.is_file():
        return LockFile()
    try:
        return read_checked(path, LockFile, SCHEMA)
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"{path} can't be read: {error}; fix it, or remove it and write it again"
            " with pytest-evalguard prompts pull"
        ) from error


def locked_prompts(directory: Path, agent_id: str) -> PromptIds:
    """Return an agent's prompts as the lock file in a directory has them.

    :raises ConfigurationError: it can't be read.
    """
    return PromptIds(read_lock(directory / PROMPTS_LOCK).agents.get(agent_id, ()))


def write_lock(path: Path, lock: LockFile) -> None:
    """Write a lock file, sorted, so that a change shows as one in version control.

    :raises OSError: it can't be written.
    """
    agents = {
        agent: tuple(sorted(prompts, key=lambda each: each.id))
        for agent, prompts in lock.agents.items()
    }
    data = asdict(replace(lock, agents=agents))
    replace_shared_file(path, [json.dumps(data, indent=2, sort_keys=True), "\n"])


def with_nodeids(
    prompts: Iterable[Prompt], before: Iterable[Prompt], cases: Iterable[Case]
) -> tuple[Prompt, ...]:
    """Return prompts with the tests that answer them, as far as they are known.

    :param before: the same agent's in the lock file so far; what it says of a prompt
        with an unchanged text stays, unless the test now answers another.
    :param cases: those of the last session.
    """
    prompts = tuple(prompts)
    known = PromptIds(prompts)
    texts = {(each.id, each.sha256) for each in prompts}
    owners = {
        nodeid: each.id
        for each in before
        if (each.id, each.sha256) in texts
        for nodeid in each.nodeids
    }
    owners |= {
        case.nodeid: found
        for case in cases
        if (found := prompt_of(case, known)) is not None
    }
    nodeids: dict[int, list[str]] = {}
    for nodeid in sorted(owners):
        nodeids.setdefault(owners[nodeid], []).append(nodeid)
    return tuple(replace(p, nodeids=tuple(nodeids.get(p.id, ()))) for p in prompts)


NO_RESPONSE = "without a response"
NO_PROMPT = "without a prompt id (see prompt_id= and pytest-evalguard prompts push)"
SHARED = "on a prompt that another case is on, too: each needs its own prompt_id="


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
    names: dict[str, CaseNames] = {}
    owners: dict[int, list[str]] = {}
    for case in cases:
        if case.nodeid in done:
            continue
        prompt_id = prompt_of(case, *known)
        why = _obstacle(case, prompt_id)
        if why is not None:
            names.setdefault(why, CaseNames(MAX_SHOWN)).add(case.nodeid)
        elif prompt_id is not None:
            owners.setdefault(prompt_id, []).append(case.nodeid)
    ids: dict[str, int] = {}
    for prompt_id, sharing in owners.items():
        if len(sharing) == 1 and prompt_id not in frozen:
            ids[sharing[0]] = prompt_id
            continue
        found = names.setdefault(SHARED, CaseNames(MAX_SHOWN))
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
