"""For tools/compare --linux: the guest kernels as static programs within a riscv64 Linux, on ashlar-run and QEMU, beside
qemu-riscv64 and native. Linux boots once for each run of all kernels; what the emulator used for a kernel is told apart
by lines on the console."""
import statistics
import sys

import guest_kernels
import linux_guest
from measure import Failure, run

GUEST = guest_kernels.ROOT / "build/guest"
# Kept, so that it can be used by hand.
INITRAMFS = guest_kernels.BUILT / "initramfs"
SCRIPT = b"""#!/bin/sh
# Runs kernels by name between lines that tools/compare looks for: run REPEAT NAME..., with 0 for their own repetitions.
repeat=${1#0}
shift
for name in "$@"; do
    echo "@begin $name"
    /bench/$name.linux $repeat
    echo "@end $name $?"
done
"""


def initramfs():
    """The guest's initramfs with the kernels in /bench."""
    files = {"bench/run": (SCRIPT, True)}
    for path in sorted(guest_kernels.BUILT.glob("*.linux")):
        files[f"bench/{path.name}"] = (path.read_bytes(), True)
    linux_guest.extended_initramfs(GUEST / "initramfs.cpio.gz", INITRAMFS, files)


def guest_commands(options):
    commands = f"sh /bench/run {options.repeat or 0} {' '.join(options.kernels)}"
    common = (GUEST / "linux-disk", INITRAMFS, commands, "512M")
    made = {"ashlar": linux_guest.ashlar_command(options.ashlar, *common, arguments=options.ashlar_args),
            "qemu": linux_guest.qemu_command(options.qemu, *common)}
    return {who: command for who, command in made.items() if who in options.machines}


class Measurement:
    def __init__(self, options):
        self.options = options
        self.seconds = {kernel: {} for kernel in options.kernels}  # kernel -> who -> list
        self.results = {kernel: {} for kernel in options.kernels}

    def note(self, kernel, who, output, seconds):
        self.results[kernel][who] = guest_kernels.parse(output, who)
        if seconds is not None:
            self.seconds[kernel].setdefault(who, []).append(seconds)

    def within_linux(self):
        for who, command in guest_commands(self.options).items():
            steps, problem = linux_guest.run_steps(command, self.options.kernels, self.options.timeout)
            if problem is not None:
                raise Failure(f"{who}: {problem}")
            for step in steps.values():
                if step.status != 0:
                    raise Failure(f"{who}: {step.name}: status {step.status}: {step.output[-300:]}")
                self.note(step.name, who, step.output, step.seconds)

    def beside_linux(self, kernel):
        for who, command in guest_kernels.user_commands(kernel, self.options, self.options.repeat).items():
            if who in self.options.machines:
                self.note(kernel, who, *run(command, self.options.timeout))

    def freestanding(self, kernel):
        """The machine's image: for its checksum."""
        image = guest_kernels.with_repeat(guest_kernels.BUILT / f"{kernel}.elf", self.options.repeat, INITRAMFS.parent)
        try:
            output, _ = run([self.options.ashlar, "--memory", "256M", "--kernel", str(image)], self.options.timeout)
        finally:
            if self.options.repeat is not None:
                image.unlink()
        self.note(kernel, "freestanding", output, None)

    def row(self, kernel):
        return {"kernel": kernel, "repeat": self.results[kernel]["freestanding"]["repeat"],
                "instructions": self.results[kernel]["freestanding"]["instructions"],
                "cost": {who: max(statistics.median(times), 1e-9) for who, times in self.seconds[kernel].items()},
                "all_seconds": self.seconds[kernel],
                "guest_seconds": {who: result["guest_seconds"] for who, result in self.results[kernel].items()}}


def measure(options, checked, table, rows, failures):
    """Fills `rows` and `failures`, and prints the table. `checked`: adds to a row whether its results agree."""
    for name in ("linux-disk", "initramfs.cpio.gz"):
        if not (GUEST / name).exists():
            failures.append(f"no {GUEST / name}; run: make setup")
            print(failures[-1], file=sys.stderr)
            return
    measurement = Measurement(options)
    try:
        initramfs()
        for _ in range(options.runs):
            measurement.within_linux()
            for kernel in options.kernels:
                measurement.beside_linux(kernel)
        for kernel in options.kernels:
            measurement.freestanding(kernel)
    except (Failure, OSError) as error:
        failures.append(str(error))
        print(failures[-1], file=sys.stderr, flush=True)
        return
    table.header()
    for kernel in options.kernels:
        rows.append(checked(measurement.row(kernel), measurement.results[kernel]))
        table.row(rows[-1])
