"""`make site`: the pages of docs/ and those of the root as one site, with search, that asks nobody else.

The pages are put into one folder first. Links between them are kept; a link to a file that is no page becomes its path.
Then mkdocs builds them strictly: a page that nothing lists, or a link that leads nowhere, is an error.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
STAGED = ROOT / "build" / "pages"
BUILT = ROOT / "build" / "site"
OF_ROOT = {
    "README.md": "readme.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "clients/python/README.md": "clients-python.md",
    "clients/typescript/README.md": "clients-typescript.md",
}
"""Pages outside docs/, and what they are called in the site."""
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")
FOREIGN = re.compile(r"""(?:src|href|action)=["']?(?:https?:)?//(?!www\.w3\.org)[^"'> ]+""")


def places() -> dict[Path, Path]:
    """Return where each page of the project stands in the site."""
    found = {ROOT / page: STAGED / name for page, name in OF_ROOT.items()}
    for page in (ROOT / "docs").rglob("*"):
        if page.suffix in (".md", ".webp", ".svg", ".png"):
            found[page] = STAGED / page.relative_to(ROOT / "docs")
    return found


def led(text: str, page: Path, where: dict[Path, Path]) -> str:
    """Return a page's text with links that lead within the site."""

    def link(match: re.Match[str]) -> str:
        picture, words, target = match.groups()
        if re.match(r"[a-z]+:|#", target):
            return match[0]
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve()
        if file not in where:
            return f"{words} (`{file.relative_to(ROOT)}`)" if file.is_relative_to(ROOT) else words
        there = os.path.relpath(where[file], where[page].parent)
        return f"{picture}[{words}]({there}{'#' + anchor if anchor else ''})"

    parts = re.split(r"(```.*?```)", text, flags=re.DOTALL)
    return "".join(part if part.startswith("```") else LINK.sub(link, part) for part in parts)


def stage() -> None:
    """Put the pages into one folder."""
    shutil.rmtree(STAGED, ignore_errors=True)
    where = places()
    for page, place in where.items():
        place.parent.mkdir(parents=True, exist_ok=True)
        if page.suffix == ".md":
            place.write_text(led(page.read_text(encoding="utf-8"), page, where), encoding="utf-8")
        else:
            shutil.copy(page, place)


def navigation() -> dict[str, object]:
    """Return the settings of the site, with every page of a folder where the folder is named."""
    settings: dict[str, object] = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))

    def listed(rows: list[object]) -> list[object]:
        found: list[object] = []
        for row in rows:
            if isinstance(row, dict):
                ((title, inner),) = row.items()
                if isinstance(inner, list):
                    found.append({title: listed(inner)})
                elif str(inner).endswith("/"):
                    found.append({title: folder(str(inner))})
                else:
                    found.append(row)
            elif str(row).endswith("/"):
                found += [name for name in folder(str(row)) if not name.endswith("README.md")]
            else:
                found.append(row)
        return found

    def folder(name: str) -> list[str]:
        pages = sorted((STAGED / name).glob("*.md"), key=lambda page: (page.name != "README.md", page.name))
        return [page.relative_to(STAGED).as_posix() for page in pages]

    settings["nav"] = listed(settings["nav"])  # type: ignore[arg-type]
    settings["docs_dir"], settings["site_dir"] = str(STAGED), str(BUILT)
    return settings


def foreign() -> list[str]:
    """Return what a built page would ask of another host: pictures, scripts, styles."""
    found = []
    for page in BUILT.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        tags = re.findall(r"<(?:script|img|link|iframe)\b[^>]*>", text)
        found += [f"{page.relative_to(BUILT)}: {tag[:120]}" for tag in tags if FOREIGN.search(tag)]
    return found


def main() -> int:
    """Stage, build, and look whether anything is asked of others."""
    stage()
    settings = ROOT / "build" / "mkdocs.yml"
    settings.write_text(yaml.safe_dump(navigation(), allow_unicode=True, sort_keys=False), encoding="utf-8")
    command = [str(ROOT / ".venv-site" / "bin" / "mkdocs"), "build", "--strict", "--clean", "-q", "-f", str(settings)]
    code = subprocess.run(command, cwd=ROOT, check=False, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}).returncode
    asked = foreign() if code == 0 else []
    for line in asked:
        print(f"site: asks another host: {line}")
    if code == 0 and not asked:
        print(f"site: {sum(1 for _ in BUILT.rglob('*.html'))} pages in build/site")
        print("site: to read it with search: python3 -m http.server --bind 127.0.0.1 --directory build/site 8080")
    return code or int(bool(asked))


if __name__ == "__main__":
    sys.exit(main())
