#!/usr/bin/env python3
"""Holds the documents to the tree: relative links exist, scripts named in examples exist, and the options that examples give to
dfa or dfa-train are ones that the built programs know (said, where no program is built)."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)")
FENCE = re.compile(r"^```(\w*)\s*$")
PROGRAMS = {"dfa": ["release", "train", "dev"], "dfa-train": ["train"]}


def documents():
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.md"], cwd=ROOT, capture_output=True, text=True)
    return [ROOT / line for line in listed.stdout.split() if (ROOT / line).is_file()]


def examples(text):
    """(line number, command) of every line in a sh fence."""
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        fence = FENCE.match(line.strip())
        if fence:
            inside = not inside and fence.group(1) == "sh"
        elif inside and line.strip() and not line.strip().startswith("#"):
            yield number, line.strip()


def program(name):
    for preset in PROGRAMS[name]:
        path = ROOT / "build" / preset / "bin" / name
        if path.exists():
            return path
    return None


def help_text(path, words, cache={}):
    key = (path, tuple(words))
    if key not in cache:
        cache[key] = subprocess.run([path, *words, "--help"], capture_output=True, text=True).stdout
    return cache[key]


def check_program(words, where):
    name = pathlib.Path(words[0]).name
    path = program(name)
    if path is None:
        return None, f"{name}"
    commands = []
    for word in words[1:]:
        if not re.fullmatch(r"[a-z][a-z-]*", word) or word not in help_text(path, commands).split():
            break
        commands.append(word)
    if len(words) > 1 and not commands and not words[1].startswith("-"):
        return f"{where}: {name} has no command {words[1]}", None
    known = help_text(path, commands) + help_text(path, [])
    for word in words:
        option = word.split("=")[0]
        if option.startswith("--") and not re.search(re.escape(option) + r"(?![\w-])", known):
            return f"{where}: {name} {' '.join(commands)} does not know {option}", None
    return None, None


def main() -> int:
    faults, unchecked = [], set()
    files = documents()
    for file in files:
        text = file.read_text()
        here = file.relative_to(ROOT)
        for target in LINK.findall(text):
            if "://" not in target and not target.startswith("mailto:") and not (file.parent / target).exists():
                faults.append(f"{here}: link to {target}, which is not there")
        for number, command in examples(text):
            where = f"{here}:{number}"
            words = command.split("|")[0].split()
            while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
                words = words[1:]
            if not words:
                continue
            name = pathlib.Path(words[0]).name
            if name in PROGRAMS:
                fault, missing = check_program(words, where)
                if fault:
                    faults.append(fault)
                if missing:
                    unchecked.add(missing)
            elif words[0].startswith(("scripts/", "tests/", "bench/", "models/")) and not (ROOT / words[0]).exists():
                faults.append(f"{where}: {words[0]} is not there")
    for name in sorted(unchecked):
        print(f"check_docs: no built {name}: the options in its examples were not checked")
    print("\n".join(faults) if faults else f"check_docs: {len(files)} documents")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
