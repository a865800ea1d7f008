"""Which tests are cases: said where every start of pytest finds it."""

from ..start import FIXTURE, is_case

__all__ = ["FIXTURE", "is_case"]
