"""One setting: its option, what its values are, and what follows from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast, overload

from ..start import OPTIONS, Option

if TYPE_CHECKING:
    from .checks import Kind
    from .settings import Settings

T = TypeVar("T")

_OPTIONS = {each.name: each for each in OPTIONS}


class Setting(Generic[T]):
    """One setting, an attribute of `Settings` that has the name of its option.

    :param kind: what its values are.
    :param default: its default, if that is another than its ini setting's.
    :param is_gate: whether it can fail a session by its figures.
    :param for_workers: whether pytest-xdist's workers are told it.
    :param option: where it can be said, if it is none of `Settings`.
    """

    option: Option

    def __init__(
        self,
        kind: Kind[Any],
        *,
        default: T | None = None,
        is_gate: bool = False,
        for_workers: bool = False,
        option: Option | None = None,
    ) -> None:
        self.kind = kind
        self._default = default
        self.is_gate = is_gate
        self.for_workers = for_workers
        if option is not None:
            self.option = option

    def __set_name__(self, owner: type, name: str) -> None:
        self.option = _OPTIONS[name]

    @property
    def name(self) -> str:
        """The name of its option."""
        return self.option.name

    @property
    def default(self) -> T:
        """What it is if nothing is said."""
        found: Any = self.option.default if self._default is None else self._default
        return cast("T", found)

    @overload
    def __get__(self, settings: None, owner: type) -> Setting[T]: ...
    @overload
    def __get__(self, settings: Settings, owner: type) -> T: ...
    def __get__(self, settings: Settings | None, owner: type) -> Setting[T] | T:
        if settings is None:
            return self
        found: T = settings.values.get(self.name, self.default)
        return found
