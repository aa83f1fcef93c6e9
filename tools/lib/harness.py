"""Running what the project builds, and talking to its console. Waits for text, never for the clock."""
import os
import pathlib
import re
import selectors
import shutil
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("ASHLAR_BUILD", ROOT / "build"))
GUEST = BUILD / "guest"
HYPERVISOR = BUILD / "x86_64" / "ashlar.elf"
DEBUG_HYPERVISOR = BUILD / "x86_64-debug" / "ashlar.elf"
AARCH64_HYPERVISOR = BUILD / "aarch64" / "ashlar"
ASHLAR_RUN = BUILD / "host" / "ashlar-run"
WELL, FAILED = 33, 35  # QEMU's exit codes by isa-debug-exit or semihosting


class Failure(AssertionError):
    pass


def check(condition, message):
    if not condition:
        raise Failure(message)


class Console:
    """A program whose standard input and output are a console."""

    def __init__(self, command, timeout=240):
        self.output = ""
        self.position = 0  # what expect() has looked at
        self.deadline = time.monotonic() + timeout
        self.command = [str(word) for word in command]
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, bufsize=0)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.process.stdout, selectors.EVENT_READ)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def _read(self):
        """More output; False at its end."""
        left = self.deadline - time.monotonic()
        if left <= 0 or not self.selector.select(left):
            self.fail("no more time")
        data = os.read(self.process.stdout.fileno(), 65536)
        self.output += data.decode(errors="replace")
        return bool(data)

    def fail(self, what):
        tail = self.output[-2500:]
        raise Failure(f"{what}\n  command: {' '.join(self.command)}\n  the console's end:\n{tail}")

    def expect(self, pattern):
        """Waits for a regular expression in what was not looked at yet; returns the match."""
        while True:
            match = re.compile(pattern, re.MULTILINE).search(self.output, self.position)
            if match:
                self.position = match.end()
                return match
            if not self._read():
                self.fail(f"the program ended before it printed {pattern!r}")

    def send(self, text):
        self.process.stdin.write(text.encode())

    def command_line(self, command, pattern):
        """Types a command to the guest's shell, waits for the pattern and the next prompt."""
        self.send(command + "\n")
        match = self.expect(pattern)
        self.expect(re.escape("ashlar:~# "))
        return match

    def wait(self):
        """Reads to the end; returns the exit code."""
        while self._read():
            pass
        return self.process.wait()

    def expect_exit(self, code):
        got = self.wait()
        if got != code:
            self.fail(f"exit code {got}, not {code}")


def qemu_command(kernel=HYPERVISOR, bundle=None, memory="1G", append=None, extra=(), cdrom=None):
    command = ["qemu-system-x86_64", "-M", "q35", "-cpu", "max", "-m", memory, "-nic", "none", "-display", "none",
               "-serial", "stdio", "-device", "isa-debug-exit,iobase=0xf4,iosize=4", "-no-reboot", *extra]
    if cdrom:
        return command + ["-cdrom", cdrom]
    command += ["-kernel", kernel]
    if bundle:
        command += ["-initrd", bundle]
    if append:
        command += ["-append", append]
    return command


def aarch64_command(bundle=None, memory="1G", append=None, extra=(), cpu="max", machine="virtualization=on,gic-version=3"):
    command = ["qemu-system-aarch64", "-M", f"virt,{machine}", "-cpu", cpu, "-m", memory, "-nic", "none", "-display", "none",
               "-serial", "stdio", "-semihosting-config", "enable=on,target=gdb", "-no-reboot", *extra,
               "-kernel", AARCH64_HYPERVISOR]
    if bundle:
        command += ["-initrd", bundle]
    if append:
        command += ["-append", append]
    return command


def make_bundle(conf, folder, root=GUEST):
    """A bundle of a configuration's text; image names are relative to `root`."""
    path = pathlib.Path(folder) / "ashlar.conf"
    path.write_text(conf)
    output = pathlib.Path(folder) / "bundle.cpio"
    subprocess.run([ROOT / "tools/bundle", "-o", output, "--root", root, path], check=True, stdout=subprocess.DEVNULL)
    return output


def make_iso(output, bundle=None):
    """A GRUB image (BIOS and UEFI) that boots the hypervisor, with a bundle as its module."""
    with tempfile.TemporaryDirectory() as folder:
        tree = pathlib.Path(folder)
        (tree / "boot/grub").mkdir(parents=True)
        shutil.copyfile(HYPERVISOR, tree / "boot/ashlar.elf")
        lines = ["set timeout=0", "terminal_output console", 'menuentry "Ashlar" {', "  multiboot2 /boot/ashlar.elf"]
        if bundle:
            shutil.copyfile(bundle, tree / "boot/bundle.cpio")
            lines.append("  module2 /boot/bundle.cpio")
        (tree / "boot/grub/grub.cfg").write_text("\n".join([*lines, "  boot", "}"]) + "\n")
        made = subprocess.run(["grub-mkrescue", "--fonts=", "--themes=", "--locales=", "-o", str(output), str(tree)],
                              capture_output=True, text=True, check=False)
        if made.returncode != 0:
            raise Failure(f"grub-mkrescue failed: {made.stderr}")


def run_bochs(iso, folder, model, finished, timeout=240):
    """Boots an image in Bochs until `finished` is in the serial output or Bochs ends; returns that output."""
    folder = pathlib.Path(folder)
    serial = folder / "serial.txt"
    serial.write_text("")
    (folder / "bochsrc").write_text(f"""display_library: term
cpu: model={model}, count=1, ips=50000000, reset_on_triple_fault=0
memory: guest=512, host=512
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
ata0-master: type=cdrom, path={iso}, status=inserted
boot: cdrom
clock: sync=none, time0=utc
com1: enabled=1, mode=file, dev={serial}
plugin_ctrl: iodebug=1, serial=1
panic: action=report, cpu0=report
log: {folder}/bochs.log
""")
    (folder / "commands").write_text("c\n" * 20)
    process = subprocess.Popen(["bochs", "-q", "-f", str(folder / "bochsrc"), "-rc", str(folder / "commands")],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               env={**os.environ, "TERM": "xterm"})
    deadline = time.monotonic() + timeout
    try:
        while True:
            try:
                process.wait(0.2)
            except subprocess.TimeoutExpired:
                pass
            text = serial.read_text(errors="replace")
            if finished in text:
                return text
            if process.poll() is not None or time.monotonic() > deadline:
                raise Failure(f"Bochs ended without {finished!r} on its serial line:\n{text[-2500:]}")
    finally:
        process.kill()
        process.wait()
