"""Which commit a working copy is at, read as git keeps it; git itself is not run.

The files are those of gitrepository-layout, https://git-scm.com/docs/gitrepository-layout
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

_COMMIT = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")
_REF = "ref: "
_LINK = "gitdir: "


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
