"""``python -m pytest_evalguard`` is the console script."""

from __future__ import annotations

import sys

from .cli.main import main

sys.exit(main())
