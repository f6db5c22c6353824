"""The pages as an archive carries them: their links lead to what is in the archive, or are no links.

Not executable, so that .ci/release does not run it as a package of its own.
"""

import posixpath
import re

import packing

# For whoever works on the project itself.
NOT_HANDED_OUT = {"docs/architecture.md", "docs/zh-CN/architecture.md"}
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")


def names():
    pages = ["README.md", "README.zh-CN.md", "CHANGELOG.md", "SECURITY.md"]
    pages += [path.relative_to(packing.TREE).as_posix() for path in sorted((packing.TREE / "docs").rglob("*.md"))]
    return [page for page in pages if page not in NOT_HANDED_OUT]


def for_archive(files, moved):
    """{name: text} of the pages, for an archive that holds `files` beside them."""
    there = {*files, *names()}

    def rewritten(page):
        folder = posixpath.dirname(page)

        def link(match):
            picture, text, target = match.groups()
            path, _, anchor = target.partition("#")
            if "://" in target or not path:
                return match.group(0)
            found = posixpath.normpath(posixpath.join(folder, path))
            found = moved.get(found, found)
            if found not in there and not any(name.startswith(found + "/") for name in there):
                return "" if picture else text
            to = posixpath.relpath(found, folder or ".")
            text = found if text == path.lstrip("./") else text
            text = found if moved.get(text) == found else text
            return f"{picture}[{text}]({to}{'#' + anchor if anchor else ''})"

        return LINK.sub(link, (packing.TREE / page).read_text(encoding="utf-8"))

    return {page: rewritten(page) for page in names()}
