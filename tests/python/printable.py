#!/usr/bin/env python3
"""Makes crates/signing/src/python/printable.rs, the table of what Python's str.isprintable() calls not printable.

    python3 printable.py            writes the file from this Python's own Unicode data
    python3 printable.py --check    writes nothing; exits with 1 if the file differs. Another Python has another
                                    Unicode, and then there is nothing to compare: that is said, and is no failure
"""

import re
import sys
import unicodedata
from pathlib import Path

TABLE = Path(__file__).resolve().parents[2] / "crates" / "signing" / "src" / "python" / "printable.rs"
PAIRS_PER_LINE = 4

HEADER = """\
//! The code points that Python calls not printable, which `repr` of a text escapes.
//!
//! From Unicode {unicode}, the one in CPython {python}. A table, because `str.isprintable` goes by general category and
//! no crate keeps to one Unicode version: another CPython differs from this one only in code points assigned since, or
//! not yet. Made by `tests/python/printable.py`; to make it anew, run that with the CPython whose Unicode is wanted.

/// Inclusive ranges in ascending order, surrogates included.
#[rustfmt::skip]
pub(super) const NOT_PRINTABLE: &[(u32, u32)] = &[
"""


def not_printable_ranges():
    ranges = []
    for code in range(sys.maxunicode + 1):
        if chr(code).isprintable():
            continue
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return ranges


def table():
    pairs = ["(0x%04x, 0x%04x)," % (low, high) for low, high in not_printable_ranges()]
    lines = [" ".join(pairs[at : at + PAIRS_PER_LINE]) for at in range(0, len(pairs), PAIRS_PER_LINE)]
    header = HEADER.format(unicode=unicodedata.unidata_version, python="%d.%d" % sys.version_info[:2])
    return header + "".join(f"    {line}\n" for line in lines) + "];\n"


def check():
    found = TABLE.read_text(encoding="utf-8")
    version = re.search(r"From Unicode ([0-9.]+),", found)
    if version and version.group(1) != unicodedata.unidata_version:
        print(f"skipped: this Python has Unicode {unicodedata.unidata_version}, the table is of {version.group(1)}")
    elif found != table():
        sys.exit("crates/signing/src/python/printable.rs differs from what tests/python/printable.py writes")
    else:
        print("crates/signing/src/python/printable.rs is as printable.py writes it")


def main():
    if sys.argv[1:] == ["--check"]:
        check()
    elif not sys.argv[1:]:
        TABLE.write_bytes(table().encode("utf-8"))
    else:
        sys.exit("usage: printable.py [--check]")


if __name__ == "__main__":
    main()
