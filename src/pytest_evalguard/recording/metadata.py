"""What a test says of its case in words and numbers of its own: the metadata."""

from __future__ import annotations

from collections import UserDict
from collections.abc import Callable, Mapping
from typing import Any

from ..model.values import as_data, as_text


class Metadata(UserDict[str, object]):
    """A mapping that turns each value into JSON data when it is set.

    :param clean: applied to the texts in what is set.
    :param require_open: raises where nothing can be set any more.
    """

    def __init__(
        self,
        clean: Callable[[str], str],
        require_open: Callable[[], None],
        values: Mapping[str, object] = {},
    ) -> None:
        self._clean = clean
        self._require_open = require_open
        self.data = {}  # without UserDict's own __init__, which takes its time
        if values:
            self.update(values)

    def __setitem__(self, key: str, value: object) -> None:
        data = as_data(value, self._clean)
        self._require_open()
        self.data[as_text(key)] = data

    # UserDict's own set no values; these take any mapping, and copy into a plain dict

    def __ior__(self, other: Any) -> Metadata:  # type: ignore[override] # one type
        self.update(other)
        return self

    def __or__(self, other: Any) -> dict[str, Any]:  # type: ignore[override] # a copy
        return self.data | dict(other)

    def __ror__(self, other: Any) -> dict[str, Any]:  # type: ignore[override] # a copy
        return dict(other) | self.data
