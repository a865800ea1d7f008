"""One setting: what its values are, its default, and where it can be said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

if TYPE_CHECKING:
    import pytest

    from .checks import Kind
    from .settings import Settings

T = TypeVar("T")


class Setting(Generic[T]):
    """One setting: its kind, its default, and where it can be said.

    :param kind: picks it from `checks`, which only a session with cases loads.
    :param metavar: of its option, which can be repeated where the ini setting is a
        list; empty for an option that takes no value, None for no option.
    :param variable: its environment variable, if it has one.
    :param ini: the type of its ini setting, as pytest calls it; None for none.
    :param is_gate: whether it can fail a session by its figures.
    :param for_workers: whether pytest-xdist's workers are told it.
    """

    def __init__(
        self,
        kind: Callable[[Any], Kind[Any]],
        default: T,
        help: str,
        *,
        metavar: str | None = None,
        variable: str | None = None,
        ini: str | None = None,
        is_gate: bool = False,
        for_workers: bool = False,
    ) -> None:
        self.name = ""
        self._kind = kind
        self.default = default
        self.help = help
        self.metavar = metavar
        self.variable = variable
        self.ini = ini
        self.is_gate = is_gate
        self.for_workers = for_workers

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, settings: None, owner: type) -> Setting[T]: ...
    @overload
    def __get__(self, settings: Settings, owner: type) -> T: ...
    def __get__(self, settings: Settings | None, owner: type) -> Setting[T] | T:
        if settings is None:
            return self
        found: T = settings.values.get(self.name, self.default)
        return found

    @property
    def kind(self) -> Kind[Any]:
        """What its values are."""
        from . import checks

        return self._kind(checks)

    @property
    def has_option(self) -> bool:
        """Whether the command line can say it."""
        return self.metavar is not None

    @property
    def dest(self) -> str:
        """The name of the ini setting, and of the option's value."""
        return f"evalguard_{self.name}"

    @property
    def flag(self) -> str:
        """The option."""
        return f"--evalguard-{self.name.replace('_', '-')}"

    def add_to(self, parser: pytest.Parser) -> None:
        """Add the option and the ini setting to pytest's parser."""
        if self.has_option:
            action = "append" if self.ini == "linelist" else "store"
            details = {"metavar": self.metavar} if self.metavar else {}
            parser.getgroup("evalguard", "eval results (pytest-evalguard)").addoption(
                self.flag,
                action=action if self.metavar else "store_true",
                dest=self.dest,
                help=f"{self.help} (env: {self.variable})"
                if self.variable
                else self.help,
                **details,
            )
        if self.ini is not None:
            parser.addini(
                self.dest,
                self.help,
                type=self.ini,  # type: ignore[arg-type] # one of pytest's literals
                default=self._ini_default,
            )

    @property
    def _ini_default(self) -> object:
        if self.ini == "linelist":
            return list(self.default)  # type: ignore[call-overload] # it is a tuple
        return "" if isinstance(self.default, Path) else self.default

    def is_in_ini(self, config: pytest.Config) -> bool:
        """Whether an ini file says it, be it right or wrong."""
        import pytest

        if self.ini is None:
            return False
        try:
            return bool(config.getini(self.dest) != self._ini_default)
        except (ValueError, TypeError, pytest.UsageError):
            return True
