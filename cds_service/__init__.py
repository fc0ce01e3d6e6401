"""The outside of the service: protocol, settings, storage, command line. Holds no clinical rule."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("lumbar-mri-cds")
except PackageNotFoundError:  # run from a source tree that was never installed
    __version__ = "0+unknown"
