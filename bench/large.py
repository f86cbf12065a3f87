"""Reads over a large shop: 500 000 products × 2 stores with 5 million movements, then 500 stores."""

from pathlib import Path

from bench.report import Report


def run(report: Report, folder: Path, products: int, *, quick: bool) -> None:
    """to come"""
