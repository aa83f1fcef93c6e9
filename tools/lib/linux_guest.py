"""Linux in a riscv64 guest that runs steps one after another, on ashlar-run or on qemu-system-riscv64, with the CPU seconds
that the emulator took for each.

A step's output stands on the console between the lines "@begin NAME" and "@end NAME STATUS", which the guest prints.
"""
import os
import re
import shlex
import time

import newc
from harness import Console, Failure

TICK = os.sysconf("SC_CLK_TCK")


def extended_initramfs(base, output, files):
    """An initramfs with further files: path in the guest -> (contents, whether executable). The kernel reads archives that
    follow one another, the later ones on 4 bytes."""
    with open(output, "wb") as stream:
        data = base.read_bytes()
        stream.write(data + b"\0" * (-len(data) % 4))
        archive = newc.Writer(stream)
        folders = set()
        for path, (contents, executable) in files.items():
            parts = path.split("/")[:-1]
            for depth in range(1, len(parts) + 1):
                folder = "/".join(parts[:depth])
                if folder not in folders:
                    archive.directory(folder)
                    folders.add(folder)
            archive.add(path, contents, mode=0o100755 if executable else 0o100644)
        archive.finish()


def ashlar_command(program, kernel, initrd, commands, memory, disks=(), arguments=""):
    """ashlar-run with Linux that runs `commands` and powers off. `disks`: (file, whether it is read-only)."""
    words = [program, "--memory", memory, "--kernel", kernel, "--initrd", initrd, "--append", kernel_arguments(commands)]
    for disk, readonly in disks:
        words += ["--disk", f"{disk},readonly" if readonly else disk]
    return words + shlex.split(arguments)


def qemu_command(program, kernel, initrd, commands, memory, disks=(), arguments=""):
    """The same for qemu-system-riscv64."""
    words = [program, "-M", "virt", "-m", memory, "-nographic", "-monitor", "none", "-serial", "stdio", "-no-reboot",
             "-kernel", kernel, "-initrd", initrd, "-append", kernel_arguments(commands)]
    for i, (disk, readonly) in enumerate(disks):
        words += ["-drive", f"file={disk},format=raw,if=none,readonly={'on' if readonly else 'off'},id=disk{i}",
                  "-device", f"virtio-blk-device,drive=disk{i}"]
    return words + shlex.split(arguments)


def kernel_arguments(commands):
    return f'console=ttyS0 quiet panic=-1 ashlar.run="{commands}"'


def cpu_seconds(pid):
    """What the threads of a process have used so far."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


class Step:
    def __init__(self, name, output, status, seconds, wall):
        self.name, self.output, self.status, self.seconds, self.wall = name, output, status, seconds, wall


def run_steps(command, names, timeout, tell=lambda step: None):
    """Boots the guest and follows its steps; returns them by name, and why the run ended early or None.

    `timeout`: seconds for each step, and for the boot.
    """
    steps, current = {}, "boot"
    try:
        with Console(command, timeout) as console:
            pid = console.process.pid
            for current in names:
                console.expect(rf"^@begin {re.escape(current)}\r?\n")
                start, seconds, wall = console.position, cpu_seconds(pid), time.monotonic()
                console.deadline = wall + timeout
                match = console.expect(rf"^@end {re.escape(current)} (\d+)\r?$")
                output = console.output[start:match.start()].replace("\r", "")
                steps[current] = Step(current, output, int(match[1]), cpu_seconds(pid) - seconds, time.monotonic() - wall)
                tell(steps[current])
                console.deadline = time.monotonic() + timeout
            current = "power-off"
            console.expect_exit(0)
    except Failure as failure:
        return steps, f"{current}: {failure}"
    return steps, None
