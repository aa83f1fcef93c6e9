"""The guest kernels of bench/guest: where they are, how each machine runs one, and what it printed."""
import os
import pathlib
import re
import shlex
import struct

from measure import Failure

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILT = ROOT / "build/guest-bench"
FLOATING = {"matmul", "nbody", "fft"}
# Needs a machine of its own, so that there is no Linux program of it.
MACHINE_ONLY = {"traps"}
LINE = re.compile(r"kernel (\S+) mode (\S+) repeat (\d+) checksum ([0-9a-f]{16})(?: instructions (\d+))?"
                  r"(?: microseconds (\d+))?")


def names():
    return sorted(path.stem for path in (ROOT / "bench/guest/kernels").glob("*.c"))


def with_repeat(path, repeat, directory):
    """The image, or a copy of it whose kernel does its work `repeat` times: the number lies 8 bytes after the entry."""
    if repeat is None:
        return path
    image = bytearray(path.read_bytes())
    entry, table = struct.unpack_from("<QQ", image, 24)
    count, = struct.unpack_from("<H", image, 56)
    for i in range(count):
        kind, _, offset, address, _, size = struct.unpack_from("<IIQQQQ", image, table + 56 * i)
        if kind == 1 and address <= entry < address + size:
            struct.pack_into("<Q", image, offset + entry - address + 8, repeat)
            break
    else:
        raise Failure(f"{path}: no segment holds the entry")
    copy = pathlib.Path(directory) / f"{repeat}-{path.name}"
    copy.write_bytes(image)
    return copy


def parse(output, who):
    match = LINE.search(output)
    if match is None:
        raise Failure(f"{who} printed no result: {output[-300:]!r}")
    return {"repeat": int(match[3]), "checksum": match[4], "instructions": int(match[5] or 0),
            "guest_seconds": int(match[6] or 0) / 1e6}


def commands(kernel, options, repeat, directory):
    """What to run for a kernel: machine -> command, for the machines that the options name."""
    image = with_repeat(BUILT / f"{kernel}{'-zb' if options.bitmanip else ''}.elf", repeat, directory)
    ashlar = [options.ashlar, "--memory", "256M"] + shlex.split(options.ashlar_args)
    qemu = [options.qemu, "-M", "virt", "-m", "256M", "-nographic", "-monitor", "none", "-serial", "stdio"]
    if options.mode == "M":
        made = {"ashlar": ashlar + ["--firmware", image],
                "qemu": qemu + ["-bios", "none", "-kernel", image, "-device", "loader,addr=0x80200000,cpu-num=0"]}
    else:
        made = {"ashlar": ashlar + ["--kernel", image], "qemu": qemu + ["-kernel", image]}
    made.update(user_commands(kernel, options, repeat))
    return {who: [str(word) for word in command] for who, command in made.items() if who in options.machines}


def user_commands(kernel, options, repeat):
    """The same kernel as a program of an operating system: on this machine, and of riscv64 in qemu-riscv64."""
    if kernel in MACHINE_ONLY:
        return {}
    arguments = [str(repeat)] if repeat else []
    return {"native": [str(BUILT / f"{kernel}.native"), *arguments],
            "qemu-user": [options.qemu_user, str(BUILT / f"{kernel}.linux"), *arguments]}


def missing(options):
    """What is not built, or None."""
    for kernel in options.kernels:
        if not (BUILT / f"{kernel}.elf").exists():
            return f"no {os.path.relpath(BUILT / kernel)}.elf; run: make guest-bench"
    return None
