"""Regular expressions that are compiled when they are first used.

Most sessions use few of them, and all together take longer than to load the modules.
"""

from __future__ import annotations

import re
from typing import Any, AnyStr, cast


def lazy(pattern: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """Return what can be used as a compiled pattern is.

    A wrong pattern raises `re.error` when it is first used.
    """
    return cast("re.Pattern[AnyStr]", _Lazy(pattern, flags))


class _Lazy:
    def __init__(self, pattern: str | bytes, flags: int) -> None:
        self.pattern = pattern
        self.flags = flags

    def __getattr__(self, name: str) -> Any:
        # asked for what is not here yet: a method that is there costs nothing more
        found = getattr(re.compile(self.pattern, self.flags), name)
        setattr(self, name, found)
        return found
