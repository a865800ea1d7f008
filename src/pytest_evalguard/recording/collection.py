"""What is wrong with the cases that were collected, and what identifies each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pluggy
import pytest

from .. import hookspecs
from ..start import FIXTURE
from .item_state import ItemState, find_state, state_of

if TYPE_CHECKING:
    from ..config.settings import Settings
    from ..delivery.agent.prompts import PromptIds
    from .mark import EvalMark

_PREFIX = "pytest_evalguard_"
_PLUGIN = "pytest_evalguard.plugin"


def is_handed_over(fixtures: Any) -> bool:
    """Whether a test gets its recorder as it is: to set a fixture up costs more.

    Not where a conftest's fixture of that name, or a parameter, comes first, nor where
    somebody has the request: in a teardown it knows only fixtures that were set up
    (pytest-dev/pytest#12882).
    """
    others = dict(fixtures.name2fixturedefs)
    ours = [each.func.__module__ == _PLUGIN for each in others.pop(FIXTURE, ())]
    used = [
        each for found in others.values() for each in found if not _is_pytests(each)
    ]
    requests = ["request" in each.argnames for each in (fixtures, *used)]
    return ours == [True] and not any(requests)


def _is_pytests(fixture: Any) -> bool:
    """Whether a fixture is pytest's own, as each parameter of a test is, too."""
    return str(fixture.func.__module__).startswith("_pytest.")


def indices_of(cases: Sequence[pytest.Item], items: Sequence[pytest.Item]) -> list[int]:
    """Return where the cases stand among all items."""
    if len(cases) == len(items):
        return list(range(len(items)))
    chosen = set(map(id, cases))
    return [index for index, item in enumerate(items) if id(item) in chosen]


def find_problems(
    config: pytest.Config,
    cases: Sequence[pytest.Item],
    settings: Settings,
    prompts: PromptIds | None,
) -> list[str]:
    """Return what stops the session before its first test, as sentences.

    :param prompts: those that are known, where results are sent to an agent.
    """
    name = settings.mark
    problems = [*_misspelt_hooks(config), *_foreign_marks(config, cases, name)]
    if cases:
        from .mark import mark_problems, note_marks  # for a session with cases

        problems += mark_problems(cases, name)
        if not problems:
            marked = note_marks(cases, name, settings.trials)
            problems += _trial_problems(config, marked, name)
        if prompts is not None and not problems:
            problems += _shared_prompts(marked, prompts)
    return problems


def _trial_problems(
    config: pytest.Config, marked: Sequence[tuple[pytest.Item, EvalMark]], name: str
) -> Iterator[str]:
    from ..model.text import counted  # for a session with cases

    for item, mark in marked:
        least, most = mark.given.get("require", 1), mark.trials
        if least > most:
            yield (
                f"{item.nodeid}: @pytest.mark.{name}: require={least} can't be met,"
                f" there {'is' if most == 1 else 'are'} only {counted(most, 'trial')}:"
                " raise trials= or lower require="
            )
        elif most > 1 and (plugin := _rerun_by(config, item)) is not None:
            yield (
                f"{item.nodeid} has {most} trials and would be run again by {plugin}:"
                " trials replace reruns: use one or the other"
            )
        elif most > 1 and (plugin := _run_once_by(config, item)) is not None:
            yield (
                f"{item.nodeid} has {most} trials, and {plugin} runs it in a way of its"
                " own, once only: turn that off for this test, or take its trials away"
            )


def _shared_prompts(
    marked: Sequence[tuple[pytest.Item, EvalMark]], prompts: PromptIds
) -> Iterator[str]:
    """Tell of tests that are certain to be on one prompt of an agent."""
    owners: dict[int, list[str]] = {}
    for item, mark in marked:
        prompt_id = _prompt_of(item, mark.given, prompts)
        if prompt_id is not None:
            owners.setdefault(prompt_id, []).append(_own_nodeid(item))
    for prompt_id, (first, *others) in owners.items():
        if others:
            more = f" (and {len(others) - 1} more)" if len(others) > 1 else ""
            yield (
                f"{first} and {others[0]}{more} are on the same prompt, {prompt_id}:"
                " their results would overwrite each other. Give each test a"
                " prompt_id= of its own"
            )


def _prompt_of(
    item: pytest.Item, marked: Mapping[str, Any], prompts: PromptIds
) -> int | None:
    from ..model.values import as_text  # for a session with an agent

    if "prompt_id" in marked:
        prompt_id: int = marked["prompt_id"]
        return prompt_id
    if "input" not in marked or FIXTURE in getattr(item, "fixturenames", ()):
        return None  # the test may record another input
    return prompts.with_text(as_text(marked["input"]))


def _misspelt_hooks(config: pytest.Config) -> Iterator[str]:
    try:
        config.pluginmanager.check_pending()
    except pluggy.PluginValidationError as error:
        from .mark import suggestion

        name = str(error).partition("'")[2].partition("'")[0]
        known = [each for each in vars(hookspecs) if each.startswith(_PREFIX)]
        if name.startswith(_PREFIX):
            yield f"{error}{suggestion(name, known)}"


def _foreign_marks(
    config: pytest.Config, cases: Sequence[pytest.Item], mark: str
) -> Iterator[str]:
    """Tell of pytest-evals, which owns a mark of this name and fails on bare ones."""
    if mark != "eval" or not config.pluginmanager.has_plugin("evals"):
        return
    marked = [each for each in cases if each.get_closest_marker(mark) is not None]
    if marked:
        yield (
            f"{marked[0].nodeid}: the mark 'eval' also belongs to pytest-evals, which"
            " is active. Disable that by '-p no:evals', or give the mark of"
            " pytest-evalguard another name by the ini option evalguard_mark"
        )


# by the name that each is registered under: the options that turn it on for all tests
RERUNNING: Mapping[str, tuple[str, ...]] = {
    "rerunfailures": ("reruns",),
    "pytest_rerunfailures": ("reruns",),
    "pytest-retry": ("retries",),
    "pytest_retry.retry_plugin": ("retries",),
    "flaky": ("force_flaky",),
    "flaky.flaky_pytest_plugin": ("force_flaky",),
}
_FLAKY = "flaky"


def _rerun_by(config: pytest.Config, item: pytest.Item) -> str | None:
    """Return the name of the active plugin that would run a failed test again."""
    for name, options in RERUNNING.items():
        if config.pluginmanager.has_plugin(name):
            is_marked = item.get_closest_marker(_FLAKY) is not None
            if is_marked or any(_is_on(config, option) for option in options):
                return name.partition(".")[0].replace("_", "-")
    return None


# by the name that each is registered under: the mark of the tests that it runs in a
# way of its own, and the option that turns it on for all tests
RUNNING_ONCE: Mapping[str, tuple[str, str]] = {
    "asyncio-cooperative": ("asyncio_cooperative", ""),
    "pytest_asyncio_cooperative.plugin": ("asyncio_cooperative", ""),
    "asyncio-concurrent": ("asyncio_concurrent", ""),
    "pytest_asyncio_concurrent.plugin": ("asyncio_concurrent", ""),
    "pytest_forked": ("forked", "forked"),
}


def _run_once_by(config: pytest.Config, item: pytest.Item) -> str | None:
    """Return the name of the active plugin that runs a test itself, and only once."""
    for name, (mark, option) in RUNNING_ONCE.items():
        if config.pluginmanager.has_plugin(name):
            is_marked = item.get_closest_marker(mark) is not None
            if is_marked or (option and _is_on(config, option)):
                return f"pytest-{mark.replace('_', '-')}"
    return None


def _is_on(config: pytest.Config, name: str) -> bool:
    try:
        value = config.getoption(name, None) or config.getini(name)
    except (ValueError, KeyError):
        return False  # it has no such setting in the ini file
    return bool(value) and str(value) != "0"


def identify(
    items: Sequence[pytest.Item], redact: Callable[[str], str], suffix: str = ""
) -> list[str]:
    """Return the identity of each item.

    It is the node id without secrets, and without the group that ``--dist=loadgroup``
    appends. Tests that would share one, because their ids differ only in a secret or
    because one was asked for twice, are numbered: two tests stay two cases, and so do
    two runs of a test that is scheduled twice.

    :param suffix: appended to each, where several processes run the same tests.
    """
    from ..model.values import clean_text  # only a session with cases needs it

    nodeids = [_own_nodeid(item) for item in items]
    joined = "\n".join(nodeids)
    if not joined.isascii():
        nodeids = list(map(clean_text, nodeids))
        joined = "\n".join(nodeids)
    if redact(joined) != joined:  # one look at all of them, as most have no secret
        nodeids = list(map(redact, nodeids))
    # without a suffix they are pytest's own texts, and not as many again
    names = [f"{nodeid}{suffix}" for nodeid in nodeids] if suffix else nodeids
    if len(set(names)) < len(names):
        names = _numbered(names, items)
    return names


def note_identities(
    cases: Sequence[pytest.Item],
    states: Iterable[ItemState],
    names: Sequence[str],
    items: Sequence[pytest.Item],
) -> None:
    """Keep the identity of each test with it.

    :param items: all that were collected.
    """
    if len(set(map(id, cases))) < len(cases):
        _note_repeats(cases, names, indices_of(cases, items))
    for state, name in zip(states, names, strict=True):
        if not state.identities:
            state.identity = name


def _numbered(names: Sequence[str], items: Sequence[pytest.Item]) -> list[str]:
    """Number what is there more than once, by node id: the order may be random."""
    numbered = list(names)
    taken = set(names)
    seen: Counter[str] = Counter()
    for index in sorted(range(len(items)), key=lambda index: items[index].nodeid):
        name = names[index]
        seen[name] += 1
        while seen[name] > 1 and f"{name} #{seen[name]}" in taken:
            seen[name] += 1  # another test's id ends like that
        if seen[name] > 1:
            numbered[index] = f"{name} #{seen[name]}"
    return numbered


def _note_repeats(
    items: Sequence[pytest.Item], names: Sequence[str], indices: Sequence[int]
) -> None:
    counts = Counter(map(id, items))
    for index, item, name in zip(indices, items, names, strict=True):
        if counts[id(item)] > 1:
            state = state_of(item)
            if state.identities is None:
                state.identities = {}
            state.identities[index] = name


def name_scheduled_run(item: pytest.Item, state: ItemState) -> None:
    """Give a test that is scheduled several times the identity of the coming run."""
    if names := state.identities:
        index = _index_in_worker(item.config)
        state.identity = names.pop(index if index in names else next(iter(names)))
    elif state.ended:  # a run that was not announced
        name = identity_of(item).removesuffix(f" #{state.ended}")
        state.identity = f"{name} #{state.ended + 1}"


def _index_in_worker(config: pytest.Config) -> int | None:
    """Return the index of the test that a worker of pytest-xdist runs now.

    By that it tells runs apart, and only its own plugin, without a name, knows it.
    """
    for plugin in config.pluginmanager.get_plugins():
        if type(plugin).__name__ == "WorkerInteractor":
            index: int = plugin.item_index
            return index
    return None


def identity_of(item: pytest.Item) -> str:
    """Return what `identify` found, else the node id."""
    state = find_state(item)
    known = None if state is None else state.identity
    return item.nodeid if known is None else known


def _own_nodeid(item: pytest.Item) -> str:
    # --dist=loadgroup appends the group (pytest-dev/pytest-xdist#992)
    nodeid = item.nodeid
    if "@" not in nodeid or not item.config.getoption("loadgroup", False):
        return nodeid
    groups = {_group(each) for each in item.iter_markers("xdist_group")}
    return nodeid.removesuffix(f"@{'_'.join(sorted(groups))}")


def _group(mark: pytest.Mark) -> str:
    """Return the group's name as pytest-xdist reads it."""
    return str(mark.args[0] if mark.args else mark.kwargs.get("name", "default"))
