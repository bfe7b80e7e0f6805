"""CSV whose cells no spreadsheet takes for a formula. Pure."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence

# A formula may begin a cell, or what another program's separator makes a cell of; full-width signs count too.
_FORMULA = re.compile(r"(^|[,;|\t\r\n])([\s\"']*)([=+\-@\t\r\0＝＋－＠])")


def safe_cell(value: object) -> str:
    """Return the value as text, with ' before everything that a spreadsheet could run."""
    text = "" if value is None else str(value)
    return _FORMULA.sub(r"\1\2'\3", text).replace("\0", "")


def csv_lines(rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Yield each row as one quoted CSV record (RFC 4180), every cell made safe."""
    for row in rows:
        buffer = io.StringIO()
        csv.writer(buffer, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerow([safe_cell(cell) for cell in row])
        yield buffer.getvalue()
