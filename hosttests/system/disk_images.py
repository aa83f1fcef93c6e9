"""ext4 in files: made, and judged when guests have written to it."""
import hashlib
import os
import subprocess

from harness import check


def e2fs(*command):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False,
                          env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"})


def make_file_system(path, size="96M"):
    made = e2fs("mke2fs", "-q", "-t", "ext4", "-b", "4096", path, size)
    check(made.returncode == 0, f"mke2fs: {made.stderr}")


def check_file_system(path, checksums):
    """The file system is whole, and its files have these MD5 sums."""
    checked = e2fs("e2fsck", "-fn", path)
    check(checked.returncode == 0, f"the disk's filesystem is damaged: {checked.stdout}{checked.stderr}")
    for name, expected in checksums.items():
        copy = path.with_suffix(".copy")
        e2fs("debugfs", "-R", f"dump /{name} {copy}", path)
        got = hashlib.md5(copy.read_bytes()).hexdigest()
        check(got == expected, f"{name} has the checksum {got}, not {expected}")
