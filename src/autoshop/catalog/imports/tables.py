"""A file as a table, whichever kind it is. Other parts that take files in read them through here too."""

from pathlib import Path

from autoshop.catalog.imports.columns import Understand
from autoshop.catalog.imports.csv_file import CsvFile, open_csv
from autoshop.catalog.imports.model import Options
from autoshop.catalog.imports.workbook import Workbook, is_workbook, open_workbook


def open_table(path: Path, name: str, understand: Understand, options: Options) -> CsvFile | Workbook:
    """Look at the file, and find and understand its headings. Raises BadFile."""
    return open_workbook(path, understand, options) if is_workbook(path, name) else open_csv(path, understand, options)
