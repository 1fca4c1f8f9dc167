"""Progress bars: widgets in a notebook that shows them, and text anywhere else."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

__all__ = ["tqdm"]


def _shows_widgets() -> bool:
    """Tell a notebook from other consoles; `tqdm.auto` would warn without ipywidgets, and takes Spyder for one."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    is_notebook = shell is not None and "IPKernelApp" in shell.config and "spyder_kernels" not in sys.modules
    return is_notebook and find_spec("ipywidgets") is not None


if TYPE_CHECKING or not _shows_widgets():
    from tqdm import tqdm
else:
    from tqdm.notebook import tqdm
