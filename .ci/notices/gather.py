#!/usr/bin/env python3
"""The licences and notices of all packages that are in the libraries or the emulator, on standard output.

Each text is the package's own, as Cargo downloaded it: the same on each run, and without the network. Of a choice such as
`MIT OR Apache-2.0` the first of ACCEPTED is taken; NOTICE files come along in any case. A package that has no text of its own
fails this, unless WITHOUT_TEXT says what stands for it. (cargo-about does the same in minutes, most of them for telling
texts apart that their names tell apart here.)
"""

import json
import pathlib
import re
import subprocess
import sys

TREE = pathlib.Path(__file__).resolve().parents[2]
ROOTS = ("rpa-openapi", "rpa-control-center")
TARGETS = ("x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu", "x86_64-pc-windows-gnu", "i686-pc-windows-gnu")
# As in .ci/deny.toml, in the order in which they are chosen, with the word for each in a file's name.
ACCEPTED = {
    "MIT": "mit", "Apache-2.0": "apache", "Apache-2.0 WITH LLVM-exception": "apache", "ISC": "isc", "BSD-3-Clause": "bsd",
    "Zlib": "zlib", "Unicode-3.0": "unicode", "CDLA-Permissive-2.0": "cdla", "MPL-2.0": "mpl",
}
# Packages that carry no text: what their repository has, which is the usual text with this line.
WITHOUT_TEXT = {}
NAMES = re.compile(r"^(licen[cs]e|copying|copyright|notice|unlicense)", re.I)
LINE = "-" * 120


def packages():
    """All packages of others that a build of the two for one of the targets has inside, by Cargo's own word."""
    found = {}
    for target in TARGETS:
        metadata = json.loads(subprocess.run(
            ["cargo", "metadata", "--locked", "--offline", "--format-version", "1", "--filter-platform", target],
            cwd=TREE, capture_output=True, check=True).stdout)
        by_id = {package["id"]: package for package in metadata["packages"]}
        nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
        left = [package["id"] for package in by_id.values() if package["name"] in ROOTS]
        seen = set(left)
        while left:
            for dependency in nodes[left.pop()]["deps"]:
                # Not what builds or tests them, and no macros: those are not inside.
                normal = any(kind["kind"] is None for kind in dependency["dep_kinds"])
                package = by_id[dependency["pkg"]]
                macros = any("proc-macro" in target["kind"] for target in package["targets"])
                if normal and not macros and package["id"] not in seen:
                    seen.add(package["id"])
                    left.append(package["id"])
        found.update({key: by_id[key] for key in seen if by_id[key]["source"]})
    return sorted(found.values(), key=lambda package: (package["name"], package["version"]))


def chosen(expression):
    """The licences that count of an expression: all that `AND` joins, of each `OR` the first that is accepted."""
    licences = []
    for part in re.split(r"\s+AND\s+", expression.replace("/", " OR ")):
        choices = [choice.strip(" ()") for choice in re.split(r"\s+OR\s+", part)]
        accepted = [licence for licence in ACCEPTED if licence in choices]
        if not accepted:
            sys.exit(f"no licence of {expression!r} is accepted")
        licences.append(accepted[0])
    return licences


def texts(package):
    """[(name of the licence, text)] of a package."""
    folder = pathlib.Path(package["manifest_path"]).parent
    files = [path for path in sorted(folder.iterdir()) if path.is_file() and NAMES.match(path.name)]
    files += [path for path in sorted(folder.glob("LICENSES/*")) + sorted(folder.glob("third_party/*/LICENSE*"))]
    expression = package["license"] or ""
    licences = chosen(expression)
    mine = {ACCEPTED[licence] for licence in licences}
    others = {*ACCEPTED.values(), "unlicense", "boost"} - mine
    kept = [path for path in files if not any(word in path.name.lower() for word in others)]
    # A package with nothing but the text of a licence that was not chosen has that one.
    kept = kept or files
    label = " AND ".join(licences)
    found = [(label, path.read_text(encoding="utf-8", errors="replace").strip()) for path in kept]
    if not found and package["name"] in WITHOUT_TEXT:
        found = [(label, WITHOUT_TEXT[package["name"]])]
    return found


def main():
    blocks, without = {}, []
    for package in packages():
        found = texts(package)
        if not found:
            without.append(f'{package["name"]} {package["version"]} ({package["license"]}, {package["authors"]})')
        for label, text in found:
            # The same words count as the same text, however their lines are broken.
            key = (label, " ".join(text.split()))
            blocks.setdefault(key, (text, []))[1].append(package)
    if without:
        sys.exit("no text of a licence in: " + "; ".join(without))
    for (label, _), (text, users) in sorted(blocks.items(), key=lambda block: (block[0][0], block[1][1][0]["name"], block[0][1])):
        print(f"{LINE}\n{label}, of")
        for package in users:
            print(f'    {package["name"]} {package["version"]}' + (f', {package["repository"]}' if package["repository"] else ""))
        print(f"\n{text}\n")


main()
