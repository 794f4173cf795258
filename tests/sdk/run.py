"""Runs a command with a gateway and its upstream: `python3 run.py native|worker|lambda COMMAND...`.

The gateway is started by the program `face`, which must be built; the command finds everything in its environment. For a part
of a suite by hand; `cargo xtask test sdk-python` builds what is missing and plays all.
"""

import os
import pathlib
import subprocess
import sys


def main():
    """Starts, runs, ends; gives the exit code of the command, or of the gateway if that failed."""
    face, command = sys.argv[1], sys.argv[2:]
    root = pathlib.Path(__file__).resolve().parents[2]
    programs = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", root / "target")) / "debug"
    environment = {"POSTERN_BIN": str(programs / "postern"), **os.environ}
    gateway = subprocess.Popen(
        [programs / "face", face], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    for line in gateway.stdout:
        name, _, value = line.strip().partition("=")
        if name == "READY":
            break
        environment[name] = value
    else:
        return gateway.wait() or 1
    done = subprocess.call(command, env=environment)
    gateway.stdin.close()
    return done or gateway.wait()


if __name__ == "__main__":
    sys.exit(main())
