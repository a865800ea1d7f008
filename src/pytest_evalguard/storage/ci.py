"""What a session runs on: the build as a CI service tells it, and git's commit.

The names of its environment variables are those of each service's documentation:

- GitHub Actions: https://docs.github.com/actions/reference/workflows-and-actions/variables
- GitLab CI: https://docs.gitlab.com/ci/variables/predefined_variables
- Buildkite: https://buildkite.com/docs/pipelines/configure/environment-variables
- CircleCI: https://circleci.com/docs/reference/variables
- Jenkins: /env-vars.html of any Jenkins, and https://plugins.jenkins.io/git for GIT_*
- Azure Pipelines: https://learn.microsoft.com/azure/devops/pipelines/build/variables,
  and .../pipelines/test/parallel-testing-any-test-runner for the shard

Git itself is not run: its files are those of gitrepository-layout,
https://git-scm.com/docs/gitrepository-layout
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from ..model.text import printable, shortened_end

_LONGEST = 200
_COMMIT = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")
_REF = "ref: "
_LINK = "gitdir: "

# by the variable that only this service sets; the first alternative that can be filled
# counts, so that the branch of a pull request is the one that it comes from
_SOURCES = {
    "GITHUB_ACTIONS": {
        "provider": "GitHub Actions",
        "commit": "{GITHUB_SHA}",
        "branch": "{GITHUB_HEAD_REF}|{GITHUB_REF}",
        "build_url": "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}"
        "/actions/runs/{GITHUB_RUN_ID}",
        "job": "{GITHUB_JOB}",
        "attempt": "{GITHUB_RUN_ATTEMPT}",
    },
    "GITLAB_CI": {
        "provider": "GitLab CI",
        "commit": "{CI_COMMIT_SHA}",
        "branch": "{CI_MERGE_REQUEST_SOURCE_BRANCH_NAME}|{CI_COMMIT_BRANCH}",
        "build_url": "{CI_JOB_URL}",
        "job": "{CI_JOB_NAME}",
        "shard": "{CI_NODE_INDEX} of {CI_NODE_TOTAL}",
    },
    "BUILDKITE": {
        "provider": "Buildkite",
        "commit": "{BUILDKITE_COMMIT}",
        "branch": "{BUILDKITE_BRANCH}",
        "build_url": "{BUILDKITE_BUILD_URL}",
        "job": "{BUILDKITE_LABEL}|{BUILDKITE_STEP_KEY}",
        "attempt": "{BUILDKITE_RETRY_COUNT}",
        "shard": "{BUILDKITE_PARALLEL_JOB} of {BUILDKITE_PARALLEL_JOB_COUNT}",
    },
    "CIRCLECI": {
        "provider": "CircleCI",
        "commit": "{CIRCLE_SHA1}",
        "branch": "{CIRCLE_BRANCH}",
        "build_url": "{CIRCLE_BUILD_URL}",
        "job": "{CIRCLE_JOB}",
        "shard": "{CIRCLE_NODE_INDEX} of {CIRCLE_NODE_TOTAL}",
    },
    "JENKINS_URL": {
        "provider": "Jenkins",
        "commit": "{GIT_COMMIT}",
        "branch": "{CHANGE_BRANCH}|{BRANCH_NAME}|{GIT_LOCAL_BRANCH}|{GIT_BRANCH}",
        "build_url": "{BUILD_URL}",
        "job": "{JOB_NAME}",
    },
    "TF_BUILD": {
        "provider": "Azure Pipelines",
        "commit": "{BUILD_SOURCEVERSION}",
        "branch": "{SYSTEM_PULLREQUEST_SOURCEBRANCH}|{BUILD_SOURCEBRANCH}",
        "build_url": "{SYSTEM_TEAMFOUNDATIONCOLLECTIONURI}{SYSTEM_TEAMPROJECTID}"
        "/_build/results?buildId={BUILD_BUILDID}",
        "job": "{SYSTEM_JOBDISPLAYNAME}",
        "attempt": "{SYSTEM_JOBATTEMPT}",
        "shard": "{SYSTEM_JOBPOSITIONINPHASE} of {SYSTEM_TOTALJOBSINPHASE}",
    },
}

# the others count from 1
_FROM_ZERO = ("BUILDKITE_RETRY_COUNT", "BUILDKITE_PARALLEL_JOB", "CIRCLE_NODE_INDEX")

_FORMS = {
    "build_url": r"https?://\S+",
    "shard": r"[0-9]+ of (?!1$)[0-9]+",  # 1 of 1 is none
}

# user and password before the host, then query and fragment: each may hold a token
_URL = re.compile(r"(://)(?:[^/?#\s]*@)?([^?#\s]*)\S*")


def ci_facts(
    environ: Mapping[str, str], clean: Callable[[str], str] = str
) -> dict[str, str]:
    """Return provider, commit, branch, build_url, job, attempt and shard, if known.

    Nothing where no service is recognised. Values are printable, at most 200 characters
    long; attempts and shards (as ``2 of 5``) are counted from 1.

    :param clean: applied to each value before it is cut.
    """
    for sign, sources in _SOURCES.items():
        if environ.get(sign, "").strip():
            return _facts(sources, _Variables(environ, clean))
    return {}


class _Variables:
    """Environment variables by name, made fit to be shown; blank ones are missing."""

    def __init__(self, environ: Mapping[str, str], clean: Callable[[str], str]) -> None:
        self._environ = environ
        self._clean = clean

    def __getitem__(self, name: str) -> str:
        value = printable(self._clean(self._environ[name].strip()))
        if not value:
            raise KeyError(name)
        if name in _FROM_ZERO:
            return str(int(value) + 1)
        return _URL.sub(r"\1\2", value)


def _facts(sources: Mapping[str, str], variables: _Variables) -> dict[str, str]:
    facts: dict[str, str] = {}
    for fact, alternatives in sources.items():
        texts = (_filled(each, variables) for each in alternatives.split("|"))
        text = next(filter(None, texts), "").removeprefix("refs/heads/")
        if re.fullmatch(_FORMS.get(fact, ".+"), text):
            # some characters take no column of a terminal
            facts[fact] = shortened_end(text, _LONGEST)[:_LONGEST]
    return facts


def _filled(template: str, variables: _Variables) -> str | None:
    try:
        return template.format_map(variables)
    except (KeyError, ValueError):  # a variable is not set, or no number
        return None


def commit_of(directory: Path) -> str | None:
    """Return the commit that the working copy around a directory is at.

    None where there is none, or where it is kept in another way, as in reftables.
    """
    for parent in (directory, *directory.parents):
        try:
            return _commit(parent, parent / ".git")
        except FileNotFoundError:
            continue
        except (OSError, ValueError):
            return None
    return None


def _commit(parent: Path, git: Path) -> str | None:
    if git.is_file():  # a worktree, or a submodule
        git = parent / git.read_text("utf-8").strip().removeprefix(_LINK)
    head = (git / "HEAD").read_text("utf-8").strip()
    if head.startswith(_REF):
        head = next(_of_ref(git, head.removeprefix(_REF)), "")
    return head if _COMMIT.fullmatch(head) else None


def _of_ref(git: Path, ref: str) -> Iterator[str]:
    common = git / "commondir"
    shared = git / common.read_text("utf-8").strip() if common.is_file() else git
    for file in (git / ref, shared / ref):
        if file.is_file():
            yield file.read_text("utf-8").strip()
    packed = shared / "packed-refs"
    for line in packed.read_text("utf-8").splitlines() if packed.is_file() else ():
        commit, _, name = line.partition(" ")
        if name == ref:
            yield commit
