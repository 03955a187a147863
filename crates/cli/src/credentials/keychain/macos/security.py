#!/usr/bin/env python3
"""Stands for `security` of macOS: it reads commands as that does, in words between blanks, with quotes around a word and
a backslash before a sign, from lines of so many bytes at most. Each entry is a file beside it."""

import hashlib
import pathlib
import shlex
import sys

HERE = pathlib.Path(__file__).parent
LINE = int((HERE / "line").read_text())


def entry(words):
    account = words[words.index("-a") + 1]
    return HERE / hashlib.sha256(account.encode()).hexdigest()


words = sys.argv[1:]
(HERE / "seen").open("a").write(" ".join(words) + "\n")
if words == ["-i"]:
    for line in sys.stdin:
        said = shlex.split(line[:LINE])
        if said[:2] == ["add-generic-password", "-U"] and "-w" in said[:-1]:
            entry(said).write_text(said[said.index("-w") + 1])
    sys.exit(0)
kept = entry(words)
if not kept.exists():
    print("The specified item could not be found in the keychain.", file=sys.stderr)
    sys.exit(44)
if words[0] == "delete-generic-password":
    kept.unlink()
else:
    print(kept.read_text())
