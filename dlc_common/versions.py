"""Versions of what can change a result, for records and snapshots."""

from __future__ import annotations

import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version

PACKAGES = (
    *("deeplabcut-scripts", "numpy", "scipy", "pandas", "scikit-image", "pillow", "imageio", "av"),
    *("keras", "tensorflow", "jax", "torch", "openvino", "nncf", "onnx", "onnxruntime"),
)
"""Of this project and of all that computes, decodes or trains."""


def versions() -> dict[str, str]:
    """Return the versions of Python and of those `PACKAGES` that are installed.

    Examples
    --------
    >>> versions()["python"] == platform.python_version()
    True
    """
    return {"python": platform.python_version()} | {
        package: found for package in PACKAGES if (found := _version(package)) is not None
    }


@cache  # each look goes through all that is installed, and what is loaded stays what it was
def _version(package: str) -> str | None:
    """Return the version of a package; None where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None
