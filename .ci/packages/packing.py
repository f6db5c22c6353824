"""What the packages have in common: archives that come out the same, byte for byte, from the same files.

Dates are fixed, names are in order, nobody owns anything, and the rights are 0644, or 0755 for programs and libraries.
Not executable, so that .ci/release does not run it as a package of its own.
"""

import gzip
import io
import os
import pathlib
import tarfile
import zipfile

TREE = pathlib.Path(__file__).resolve().parents[2]
# 2020-01-01 00:00:00 UTC, after 1980, where the dates of a zip begin.
DATE = 1577836800

NATIVE = {
    "win-x64": "rpa_openapi.dll",
    "win-x86": "rpa_openapi.dll",
    "linux-x64": "librpa_openapi.so",
    "linux-arm64": "librpa_openapi.so",
}


def library(native, name):
    """The library of `win-x64`, `win-x86`, `linux-x64` or `linux-arm64`, which is there: a package is never half."""
    path = pathlib.Path(native) / name / NATIVE[name]
    if not path.is_file():
        raise SystemExit(f"{path} is not there: .ci/native makes it")
    return path


def legal_names():
    """Licences, the notices of all that is inside, and the list of it (CycloneDX)."""
    return ("LICENSE-MIT", "LICENSE-APACHE", "THIRD-PARTY-NOTICES.txt", "sbom.cdx.json")


def legal(native):
    """What each archive and each package carries: {name: path}. .ci/legal makes those that are not in the tree."""
    made = pathlib.Path(native).parent / "legal"
    return {name: TREE / name if (TREE / name).exists() else made / name for name in legal_names()}


def text(path, newline="\n"):
    """A file of the tree as bytes, with the line ends that its readers expect."""
    content = pathlib.Path(path).read_text(encoding="utf-8")
    return content.replace("\r\n", "\n").replace("\n", newline).encode("utf-8")


def read(content):
    """An entry's bytes: as they are, or of the file at a path."""
    return content if isinstance(content, bytes) else pathlib.Path(content).read_bytes()


def runs(name):
    """Whether an entry is a program or a library."""
    base = name.rsplit("/", 1)[-1]
    return name.startswith(("bin/", "lib/")) and ("." not in base or ".so" in base) or "/bin/" in name


def write_zip(path, entries, folder="", order=None):
    """`entries` is {name: bytes or path}. `order` lists names that come first (a wheel's or a package's manifest).

    Deflate's output is the zlib's of this machine; two builds on one machine agree, which is what is compared.
    """
    names = [*(order or []), *sorted(set(entries) - set(order or []))]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in names:
            info = zipfile.ZipInfo(folder + name, date_time=(2020, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3
            info.external_attr = (0o100755 if runs(name) else 0o100644) << 16
            archive.writestr(info, read(entries[name]))


def write_tar(path, entries, folder="", links=None):
    """A tar.gz of {name: bytes or path}; `links` is {name: what it points to}."""
    links = links or {}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in sorted({*entries, *links}):
            info = tarfile.TarInfo(folder + name)
            info.mtime = DATE
            if name in links:
                info.type = tarfile.SYMTYPE
                info.linkname = links[name]
                info.mode = 0o777
                archive.addfile(info)
                continue
            content = read(entries[name])
            info.size = len(content)
            info.mode = 0o755 if runs(name) else 0o644
            archive.addfile(info, io.BytesIO(content))
    with open(path, "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=DATE) as packed:
        packed.write(buffer.getvalue())


def show(path):
    print(f"{os.path.getsize(path):>10} {pathlib.Path(path).name}")
