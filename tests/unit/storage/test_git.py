"""Which commit a working copy is at, in each of the ways in which git keeps it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_evalguard.storage.ci import commit_of

COMMIT, OTHER = "a" * 40, "b" * 64
PACKED = f"# pack-refs\n{OTHER} refs/x\n{COMMIT} refs/heads/main"
REF = "ref: refs/heads/main\n"
COPIES: dict[str, tuple[dict[str, str], str | None]] = {
    "none": ({}, None),
    "a branch": ({".git/HEAD": REF, ".git/refs/heads/main": f"{COMMIT}\n"}, COMMIT),
    "no branch": ({".git/HEAD": f"{OTHER}\n"}, OTHER),
    "packed": (
        {
            ".git/HEAD": REF,
            ".git/packed-refs": PACKED,
        },
        COMMIT,
    ),
    "a worktree": (
        {
            ".git": "gitdir: real/worktrees/x\n",
            "real/worktrees/x/HEAD": REF,
            "real/worktrees/x/commondir": "../..\n",
            "real/refs/heads/main": COMMIT,
        },
        COMMIT,
    ),
    "no commit yet": ({".git/HEAD": REF}, None),
    "reftables": ({".git/HEAD": "ref: refs/heads/.invalid"}, None),
    "damaged": ({".git/HEAD": "\0" * 9}, None),
    "a file of another": ({".git": "\0"}, None),
}


@pytest.mark.parametrize("kind", COPIES)
def test_the_commit_is_found(tmp_path: Path, kind: str) -> None:
    files, wanted = COPIES[kind]
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    inner = tmp_path / "tests"
    inner.mkdir()
    assert commit_of(inner) == wanted
