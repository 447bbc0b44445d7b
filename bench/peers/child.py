"""A system in a process of its own: `child.py ENGINE`, driven through pipes by `isolated.py`.

Pickled requests come from standard input, and pickled answers (value, error) go to what standard
output was: ("prepare", path, arrays, threads), ("turn", seconds, clock), ("outputs",).
"""

from __future__ import annotations

import importlib
import os
import pickle
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from isolated import MODULES

from timing import one_turn


def main() -> None:
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a system prints is not an answer
    module, function = MODULES[sys.argv[1]]
    run = outputs = None
    while True:
        try:
            request, *arguments = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        try:
            value = None
            if request == "prepare":
                run, outputs = getattr(importlib.import_module(module), function)(*arguments)
                run()
            elif request == "turn":
                value = one_turn(run, *arguments)
            else:
                value = outputs()
            answer = (value, None)
        except Exception as error:  # the answer to this request; the parent decides
            answer = (None, f"{type(error).__name__}: {error}")
        pickle.dump(answer, answers)
        answers.flush()


if __name__ == "__main__":
    main()
