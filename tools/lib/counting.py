"""Exact numbers of instructions that a program of this machine executes, by running it in an emulator of user programs."""
import os
import pathlib
import shutil
import tempfile

from measure import Failure, run

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
# A CPU of family 19h (Zen 3): by default QEMU's is an older one of AMD's, where host code avoids PEXT.
CPU = "max,family=25" if os.uname().machine == "x86_64" else "max"
PLUGIN = ROOT / "build/guest-bench/count-instructions.so"


def emulator():
    """The name of QEMU's emulator of this machine's programs."""
    return f"qemu-{os.uname().machine}"


def missing():
    """What counting lacks, or None."""
    if not PLUGIN.exists():
        return f"no {os.path.relpath(PLUGIN)}; run: make guest-bench"
    if shutil.which(emulator()) is None:
        return f"no {emulator()}; run: make setup"
    return None


def counting_command(command, output):
    """A command that runs another one and writes to `output` how many instructions it executed."""
    program = shutil.which(command[0])
    if program is None:
        raise Failure(f"no program {command[0]}")
    return [emulator(), "-cpu", CPU, "-plugin", f"{PLUGIN},out={output}", program, *map(str, command[1:])]


def count(command, limit):
    """Runs a command; returns its standard output and the instructions that it executed."""
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory) / "count"
        output, _ = run(counting_command(command, path), limit)
        if not path.exists():
            raise Failure(f"{command[0]}: it ended without a count")
        return output, int(path.read_text())
