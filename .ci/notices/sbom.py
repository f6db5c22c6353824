#!/usr/bin/env python3
"""One list of parts, CycloneDX, from one for each target: sbom.py <version of Rust> <list...> >sbom.cdx.json

Packages of this project are told by name and version alone: where they were built is nobody's business. What the
linkers bring along, which Cargo knows nothing of, is added.
"""

import json
import re
import sys

# name, licence, what for
TOOLCHAIN = [
    ("rust-std", None, "MIT OR Apache-2.0", "the standard library, built along"),
    ("mingw-w64-runtime", "10.0.0", "ZPL-2.1", "Windows"),
    ("libgcc and libssp", "12", "GPL-3.0-or-later WITH GCC-exception-3.1", "Windows"),
    ("zig-compiler-rt", "0.16.0", "MIT", "Linux"),
    ("libunwind", "0.16.0", "Apache-2.0 WITH LLVM-exception", "Linux, as zig brings it"),
]


def anonymous(value):
    """A value without the folder of the build: references are `path+file:///...#name@version` or end in such a one."""
    if isinstance(value, dict):
        return {key: anonymous(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [anonymous(inner) for inner in value]
    if not isinstance(value, str):
        return value
    value = re.sub(r"path\+file://[^#]*/([^/#]+)#(?=\d)", r"path:\1@", value)
    value = re.sub(r"path\+file://[^#]*#", "path:", value)
    return re.sub(r"[?&]download_url=file:[^#&]*", "", value)


def main():
    rust, *paths = sys.argv[1:]
    lists = []
    for path in paths:
        with open(path, encoding="utf-8") as file:
            lists.append(anonymous(json.load(file)))
    components, edges = {}, {}
    for found in lists:
        components.update({part["bom-ref"]: part for part in found["components"]})
        for edge in found["dependencies"]:
            edges.setdefault(edge["ref"], set()).update(edge.get("dependsOn", []))
    merged = lists[0]
    root = merged["metadata"]["component"]
    # A list is of one product: which of its targets was first says nothing.
    merged["metadata"].pop("properties", None)
    for name, version, licence, purpose in TOOLCHAIN:
        part = {
            "type": "library", "bom-ref": name, "name": name, "version": version or rust,
            "description": purpose, "scope": "required", "licenses": [{"expression": licence}],
        }
        components[name] = part
        edges.setdefault(root["bom-ref"], set()).add(name)
        edges.setdefault(name, set())
    merged["components"] = [components[ref] for ref in sorted(components)]
    merged["dependencies"] = [
        {"ref": ref, "dependsOn": sorted(edges[ref])} if edges[ref] else {"ref": ref} for ref in sorted(edges)
    ]
    text = json.dumps(merged, ensure_ascii=False, indent=2)
    if "file:" in text:
        sys.exit("the list still holds a path: " + re.search(r".{0,80}file:.{0,80}", text).group(0))
    print(text)


main()
