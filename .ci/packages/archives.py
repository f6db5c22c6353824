#!/usr/bin/env python3
"""The archives for people: a zip for Windows, a tar.gz for Linux on x86_64 and on aarch64, and the symbols.

Usage: archives.py <folder of the native libraries> <folder for archives> <version>
"""

import pathlib
import sys

import packing
import pages

EXAMPLES = {".c", ".cpp", ".hpp", ".cs", ".csproj", ".go", ".java", ".js", ".json", ".mjs", ".mod", ".py", ".ts"}
NOT_EXAMPLES = {"__pycache__", "node_modules", "demo", "obj", "bin", "target"}
# What lies elsewhere in an archive than in the tree.
MOVED = {"examples/robot/GlobalFun.py": "GlobalFun.py", "examples/cpp/rpa_openapi.hpp": "include/rpa_openapi.hpp"}


def common(native):
    """{name in the archive: path} of what all archives have."""
    files = {"include/rpa_openapi.h": packing.TREE / "include" / "rpa_openapi.h"}
    for path in sorted((packing.TREE / "examples").rglob("*")):
        name = path.relative_to(packing.TREE).as_posix()
        if path.suffix in EXAMPLES and not NOT_EXAMPLES & set(path.parts) and path.is_file():
            files[MOVED.get(name, name)] = path
    files.update(packing.legal(native))
    return files


def finished(files, newline):
    """The entries with the pages beside them, and texts with this line end."""
    files = dict(files)
    for name, content in pages.for_archive(files, MOVED).items():
        files[name] = content.replace("\n", newline).encode("utf-8")
    for name, content in files.items():
        if not isinstance(content, bytes) and (name in packing.legal_names() or pathlib.Path(name).suffix in EXAMPLES | {".h"}):
            files[name] = packing.text(content, newline)
    return files


def filled(name, version):
    """A text of packages/c with the version in it."""
    content = (packing.TREE / "packages" / "c" / name).read_text(encoding="utf-8")
    return content.replace("@VERSION@", version).replace("@SERIES@", version.rsplit(".", 1)[0]).encode("utf-8")


def cmake(version):
    names = ("rpa_openapi-config.cmake", "rpa_openapi-config-version.cmake")
    return {f"lib/cmake/rpa_openapi/{name}": filled(name, version) for name in names}


def windows(native, dist, version):
    files = finished(common(native), "\r\n")
    files.update(cmake(version))
    for folder, name in (("x64", "win-x64"), ("x86", "win-x86")):
        packing.library(native, name)
        for suffix in ("dll", "dll.a", "def", "lib"):
            files[f"{folder}/rpa_openapi.{suffix}"] = native / name / f"rpa_openapi.{suffix}"
    # The emulator is for whoever tries things out: of 64 bits alone.
    files["control_center.exe"] = native / "win-x64" / "control_center.exe"
    path = dist / f"rpa-openapi-{version}-windows.zip"
    packing.write_zip(path, files, folder=path.stem + "/")
    packing.show(path)


def linux(native, dist, version, name, machine):
    files = finished(common(native), "\n")
    files.update(cmake(version))
    files["lib/pkgconfig/rpa_openapi.pc"] = filled("rpa_openapi.pc", version)
    files[f"lib/librpa_openapi.so.{version}"] = packing.library(native, name)
    files["bin/control_center"] = native / name / "control_center"
    soname = f"librpa_openapi.so.{version.rsplit('.', 1)[0]}"
    links = {f"lib/{soname}": f"librpa_openapi.so.{version}", "lib/librpa_openapi.so": soname}
    folder = f"rpa-openapi-{version}-linux-{machine}"
    path = dist / f"{folder}.tar.gz"
    packing.write_tar(path, files, folder=folder + "/", links=links)
    packing.show(path)


def symbols(native, dist, version):
    files = {f"{path.parent.name}/{path.name}": path for path in sorted(native.glob("*/*.debug"))}
    path = dist / f"rpa-openapi-{version}-symbols.zip"
    packing.write_zip(path, files, folder=path.stem + "/")
    packing.show(path)


def main():
    native, dist, version = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]
    windows(native, dist, version)
    linux(native, dist, version, "linux-x64", "x86_64")
    linux(native, dist, version, "linux-arm64", "aarch64")
    symbols(native, dist, version)


main()
