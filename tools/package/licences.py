#!/usr/bin/env python3
"""Are all crates, those of the tests included, under licences that we have agreed to?

usage: tools/package/licences.py

The list is here alone; docs/DEPENDENCIES.md explains it. Exit code 1 and a line for each crate that is under another licence.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# Permissive ones, which ask for no more than a notice. A crate that offers a choice needs one of them.
ALLOWED = {
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
}
# The code generators of the bindings and what only they use: they run at development time, and nothing of them is distributed.
DEVELOPMENT_ONLY = {"cbindgen": {"MPL-2.0"}}


def allowed(expression: str, licences: set[str]) -> bool:
    """Does an SPDX expression leave a way with these licences alone?"""
    words = re.findall(r"\(|\)|[^\s()]+", expression.replace("/", " OR "))

    def choice() -> bool:
        good = together()
        while words and words[0] == "OR":
            words.pop(0)
            good = together() or good
        return good

    def together() -> bool:
        good = single()
        while words and words[0] == "AND":
            words.pop(0)
            good = single() and good
        return good

    def single() -> bool:
        word = words.pop(0)
        if word == "(":
            good = choice()
            words.pop(0)
            return good
        if words[:1] == ["WITH"]:
            word = " ".join([word, words.pop(0), words.pop(0)])
        return word in licences

    return bool(words) and choice() and not words


def main() -> int:
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", "x86_64-unknown-linux-gnu"]
    packages = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)["packages"]
    bad = [
        f"{package['name']} {package['version']} is under {package.get('license') or 'no licence that it names'}"
        for package in packages
        if not allowed(package.get("license") or "", ALLOWED | DEVELOPMENT_ONLY.get(package["name"], set()))
    ]
    print("\n".join(bad) or f"{len(packages)} crates, all under licences of the list")
    return 1 if bad or not packages else 0


if __name__ == "__main__":
    sys.exit(main())
