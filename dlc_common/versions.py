"""Versions of what can change a result, for records and snapshots."""

from __future__ import annotations

import platform
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
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
