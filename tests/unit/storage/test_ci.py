"""The facts of a CI build are read from the environment, whatever service it is."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, strategies as st

from pytest_evalguard.storage.ci import ci_facts

SHA = "ffac537e6cbbf934b08745a378932722df287a53"

# each as its documentation shows it, with neighbours that must not be taken instead

GITHUB = {
    "CI": "true",
    "GITHUB_ACTIONS": "true",
    "GITHUB_BASE_REF": "",
    "GITHUB_HEAD_REF": "",
    "GITHUB_JOB": "evals",
    "GITHUB_REF": "refs/heads/feature/search",
    "GITHUB_REF_NAME": "feature/search",
    "GITHUB_REPOSITORY": "octocat/Hello-World",
    "GITHUB_RUN_ATTEMPT": "3",
    "GITHUB_RUN_ID": "1658821493",
    "GITHUB_RUN_NUMBER": "17",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_SHA": SHA,
    "GITHUB_WORKFLOW": "Nightly",
}
GITLAB = {
    "CI": "true",
    "GITLAB_CI": "true",
    "CI_COMMIT_BRANCH": "main",
    "CI_COMMIT_REF_NAME": "main",
    "CI_COMMIT_SHA": SHA,
    "CI_COMMIT_SHORT_SHA": SHA[:8],
    "CI_JOB_NAME": "evals 2/5",
    "CI_JOB_URL": "https://gitlab.example.com/group/app/-/jobs/781",
    "CI_NODE_INDEX": "2",
    "CI_NODE_TOTAL": "5",
    "CI_PIPELINE_URL": "https://gitlab.example.com/group/app/-/pipelines/12",
}
BUILDKITE = {
    "CI": "true",
    "BUILDKITE": "true",
    "BUILDKITE_BRANCH": "fix-ranking",
    "BUILDKITE_BUILD_URL": "https://buildkite.com/acme-inc/my-project/builds/1514",
    "BUILDKITE_COMMIT": SHA,
    "BUILDKITE_LABEL": ":hammer: Evals",
    "BUILDKITE_PARALLEL_JOB": "0",
    "BUILDKITE_PARALLEL_JOB_COUNT": "5",
    "BUILDKITE_PULL_REQUEST": "123",
    "BUILDKITE_PULL_REQUEST_BASE_BRANCH": "main",
    "BUILDKITE_RETRY_COUNT": "0",
    "BUILDKITE_STEP_KEY": "evals",
}
CIRCLECI = {
    "CI": "true",
    "CIRCLECI": "true",
    "CIRCLE_BRANCH": "main",
    "CIRCLE_BUILD_NUM": "42",
    "CIRCLE_BUILD_URL": "https://circleci.com/gh/acme/app/42",
    "CIRCLE_JOB": "evals",
    "CIRCLE_NODE_INDEX": "3",
    "CIRCLE_NODE_TOTAL": "4",
    "CIRCLE_SHA1": SHA,
}
JENKINS = {
    "CI": "true",
    "JENKINS_URL": "https://jenkins.example.com/",
    "BRANCH_NAME": "main",
    "BUILD_NUMBER": "153",
    "BUILD_URL": "https://jenkins.example.com/job/app/job/main/153/",
    "GIT_BRANCH": "origin/main",
    "GIT_COMMIT": SHA,
    "JOB_NAME": "app/main",
    "JOB_URL": "https://jenkins.example.com/job/app/job/main/",
}
AZURE = {
    "TF_BUILD": "True",
    "AGENT_JOBNAME": "Evals_1",
    "BUILD_BUILDID": "1430",
    "BUILD_SOURCEBRANCH": "refs/heads/feature/tools",
    "BUILD_SOURCEBRANCHNAME": "tools",
    "BUILD_SOURCEVERSION": SHA,
    "SYSTEM_JOBATTEMPT": "2",
    "SYSTEM_JOBDISPLAYNAME": "Evals",
    "SYSTEM_JOBPOSITIONINPHASE": "1",
    "SYSTEM_TEAMFOUNDATIONCOLLECTIONURI": "https://dev.azure.com/fabrikamfiber/",
    "SYSTEM_TEAMPROJECT": "My project",
    "SYSTEM_TEAMPROJECTID": "6ce954b1-ce1f-45d1-b94d-e6bf2464ba2c",
    "SYSTEM_TOTALJOBSINPHASE": "3",
}
ALL = [GITHUB, GITLAB, BUILDKITE, CIRCLECI, JENKINS, AZURE]
SIGNS = [
    *("GITHUB_ACTIONS", "GITLAB_CI", "BUILDKITE"),
    *("CIRCLECI", "JENKINS_URL", "TF_BUILD"),
]


@pytest.mark.parametrize(
    ("environ", "facts"),
    [
        (
            GITHUB,
            {
                "provider": "GitHub Actions",
                "commit": SHA,
                "branch": "feature/search",
                "build_url": "https://github.com/octocat/Hello-World/actions/runs/1658821493",
                "job": "evals",
                "attempt": "3",
            },
        ),
        (
            GITLAB,
            {
                "provider": "GitLab CI",
                "commit": SHA,
                "branch": "main",
                "build_url": "https://gitlab.example.com/group/app/-/jobs/781",
                "job": "evals 2/5",
                "shard": "2 of 5",
            },
        ),
        (
            BUILDKITE,
            {
                "provider": "Buildkite",
                "commit": SHA,
                "branch": "fix-ranking",
                "build_url": "https://buildkite.com/acme-inc/my-project/builds/1514",
                "job": ":hammer: Evals",
                "attempt": "1",
                "shard": "1 of 5",
            },
        ),
        (
            CIRCLECI,
            {
                "provider": "CircleCI",
                "commit": SHA,
                "branch": "main",
                "build_url": "https://circleci.com/gh/acme/app/42",
                "job": "evals",
                "shard": "4 of 4",
            },
        ),
        (
            JENKINS,
            {
                "provider": "Jenkins",
                "commit": SHA,
                "branch": "main",
                "build_url": "https://jenkins.example.com/job/app/job/main/153/",
                "job": "app/main",
            },
        ),
        (
            AZURE,
            {
                "provider": "Azure Pipelines",
                "commit": SHA,
                "branch": "feature/tools",
                "build_url": "https://dev.azure.com/fabrikamfiber"
                "/6ce954b1-ce1f-45d1-b94d-e6bf2464ba2c/_build/results?buildId=1430",
                "job": "Evals",
                "attempt": "2",
                "shard": "1 of 3",
            },
        ),
    ],
    ids=lambda each: each.get("provider", ""),
)
def test_each_service_says_what_it_builds(
    environ: Mapping[str, str], facts: Mapping[str, str]
) -> None:
    assert ci_facts(environ) == facts


@pytest.mark.parametrize(
    ("environ", "changes", "branch"),
    [
        (
            GITHUB,
            {"GITHUB_HEAD_REF": "their-fix", "GITHUB_REF": "refs/pull/12/merge"},
            "their-fix",
        ),
        (
            GITLAB,
            {"CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "fix", "CI_COMMIT_BRANCH": ""},
            "fix",
        ),
        (JENKINS, {"CHANGE_BRANCH": "fix", "BRANCH_NAME": "PR-24"}, "fix"),
        (
            AZURE,
            {
                "SYSTEM_PULLREQUEST_SOURCEBRANCH": "refs/heads/users/raisa/new",
                "BUILD_SOURCEBRANCH": "refs/pull/1/merge",
            },
            "users/raisa/new",
        ),
    ],
)
def test_a_pull_request_counts_for_the_branch_that_it_comes_from(
    environ: Mapping[str, str], changes: Mapping[str, str], branch: str
) -> None:
    assert ci_facts({**environ, **changes})["branch"] == branch


@pytest.mark.parametrize("ref", ["refs/tags/v1.2.0", "refs/pull/12/merge"])
def test_a_ref_that_is_no_branch_says_so(ref: str) -> None:
    assert ci_facts({**GITHUB, "GITHUB_REF": ref})["branch"] == ref


def test_a_freestyle_job_of_jenkins_knows_its_branch_from_git() -> None:
    freestyle = {**JENKINS, "BRANCH_NAME": ""}
    assert ci_facts(freestyle)["branch"] == "origin/main"
    assert ci_facts({**freestyle, "GIT_LOCAL_BRANCH": "main"})["branch"] == "main"


def test_a_step_without_label_is_named_by_its_key() -> None:
    assert ci_facts({**BUILDKITE, "BUILDKITE_LABEL": ""})["job"] == "evals"


def test_a_retried_job_is_the_second_attempt() -> None:
    assert ci_facts({**BUILDKITE, "BUILDKITE_RETRY_COUNT": "1"})["attempt"] == "2"


@pytest.mark.parametrize(
    ("environ", "index", "total"),
    [
        (GITLAB, "CI_NODE_INDEX", "CI_NODE_TOTAL"),
        (BUILDKITE, "BUILDKITE_PARALLEL_JOB", "BUILDKITE_PARALLEL_JOB_COUNT"),
        (CIRCLECI, "CIRCLE_NODE_INDEX", "CIRCLE_NODE_TOTAL"),
        (AZURE, "SYSTEM_JOBPOSITIONINPHASE", "SYSTEM_TOTALJOBSINPHASE"),
    ],
)
@pytest.mark.parametrize(
    ("position", "count"),
    [("1", "1"), ("0", "1"), ("", "5"), ("1", ""), ("two", "5"), ("1", "five")],
)
def test_a_job_that_is_not_split_is_no_shard(
    environ: Mapping[str, str], index: str, total: str, position: str, count: str
) -> None:
    assert "shard" not in ci_facts({**environ, index: position, total: count})


def test_a_count_that_starts_with_1_is_more_than_one_shard() -> None:
    assert ci_facts({**GITLAB, "CI_NODE_TOTAL": "10"})["shard"] == "2 of 10"


@pytest.mark.parametrize("environ", [{}, {"CI": "true"}, {"GITHUB_ACTIONS": " "}])
def test_nothing_is_known_where_no_service_is_recognised(
    environ: Mapping[str, str],
) -> None:
    known = {"GITHUB_SHA": SHA, "GIT_COMMIT": SHA, "BUILD_URL": "https://ci.test/1"}
    assert ci_facts({**known, **environ}) == {}


@pytest.mark.parametrize("environ", ALL, ids=lambda each: next(iter(each)))
@pytest.mark.parametrize("blank", ["", " ", "\n"])
def test_what_is_blank_or_not_set_is_left_out(
    environ: Mapping[str, str], blank: str
) -> None:
    alone = {name: environ[name] for name in environ if name in SIGNS}
    provider = {"provider": ci_facts(environ)["provider"]}
    assert ci_facts(alone) == provider
    assert ci_facts({**dict.fromkeys(environ, blank), **alone}) == provider


def test_a_ref_without_a_name_is_no_branch() -> None:
    assert "branch" not in ci_facts({**GITHUB, "GITHUB_REF": "refs/heads/"})


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://me:t0ken@ci.test/job/1/", "https://ci.test/job/1/"),
        ("https://t0ken@ci.test:8443/job/1/", "https://ci.test:8443/job/1/"),
        ("https://a@b:t0ken@ci.test/job/1/", "https://ci.test/job/1/"),
        ("https://ci.test/job/1/?token=t0ken", "https://ci.test/job/1/"),
        ("https://ci.test/job/1/#access_token=t0ken", "https://ci.test/job/1/"),
        ("https://ci.test?t0ken", "https://ci.test"),
        ("https://ci.test#t0ken@host", "https://ci.test"),
        ("https://me:t0ken@ci.test?t0ken=a@b#c", "https://ci.test"),
        ("http://ci.test/@me/1", "http://ci.test/@me/1"),
    ],
)
def test_a_link_tells_no_secret(url: str, shown: str) -> None:
    assert ci_facts({**JENKINS, "BUILD_URL": url})["build_url"] == shown


def test_a_composed_link_tells_no_secret() -> None:
    server = {"GITHUB_SERVER_URL": "https://me:t0ken@github.test"}
    collection = {"SYSTEM_TEAMFOUNDATIONCOLLECTIONURI": "https://t0ken@azure.test/a/"}
    assert ci_facts({**GITHUB, **server})["build_url"] == (
        "https://github.test/octocat/Hello-World/actions/runs/1658821493"
    )
    assert ci_facts({**AZURE, **collection})["build_url"].startswith(
        "https://azure.test/a/6ce954b1"
    )


@pytest.mark.parametrize("missing", ["GITHUB_SERVER_URL", "GITHUB_REPOSITORY"])
@pytest.mark.parametrize("value", ["", " "])
def test_a_link_that_lacks_a_part_is_left_out(missing: str, value: str) -> None:
    assert "build_url" not in ci_facts({**GITHUB, missing: value})


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("try https://me:t0ken@ci.test/a?t0ken now", "try https://ci.test/a now"),
        ("https://ci.test by me@home", "https://ci.test by me@home"),
        ("https://ci.test/a but why?", "https://ci.test/a but why?"),
        ("a?b#c@d", "a?b#c@d"),
    ],
)
def test_a_name_with_a_link_in_it_loses_the_secret_alone(name: str, shown: str) -> None:
    assert ci_facts({**GITLAB, "CI_JOB_NAME": name})["job"] == shown


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "ci.test/1", "file:///etc/passwd", "https://a b"]
)
def test_what_is_no_web_link_is_left_out(url: str) -> None:
    assert "build_url" not in ci_facts({**JENKINS, "BUILD_URL": url})


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("two\nlines", "two\\nlines"),
        ("lone \udc80", "lone \\udc80"),
        ("::error::x", ": :error::x"),
        ("{CI_JOB_URL}|{0}", "{CI_JOB_URL}|{0}"),
        (" spaced ", "spaced"),
        ("x" * 200, "x" * 200),
        ("x" * 201, "x" * 199 + "…"),
    ],
)
def test_a_value_is_one_safe_line_of_200_characters(name: str, shown: str) -> None:
    assert ci_facts({**GITLAB, "CI_JOB_NAME": name})["job"] == shown


@given(st.sampled_from(ALL), st.data())
def test_any_environment_gives_short_and_printable_facts(
    environ: Mapping[str, str], data: st.DataObject
) -> None:
    values = st.text() | st.sampled_from(list(environ.values()))
    drawn = data.draw(
        st.fixed_dictionaries({}, optional=dict.fromkeys(environ, values))
    )
    for value in ci_facts(drawn).values():
        assert 0 < len(value) <= 200
        assert value.isprintable()


@pytest.mark.timeout(10)
@pytest.mark.parametrize("part", ["a", "://", "a@", "https://a@b?", "{", " "])
def test_a_huge_value_costs_no_time(part: str) -> None:
    huge = dict.fromkeys(JENKINS, part * (100_000 // len(part)) + "x")
    assert 0 < len(ci_facts(huge)["job"]) <= 200
