"""Running a command and telling what it took."""
import os
import subprocess
import time


class Failure(Exception):
    pass


def run(command, limit):
    """Runs a command; returns its standard output and the CPU seconds of the process."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    timer = time.monotonic() + limit
    os.set_blocking(process.stdout.fileno(), False)
    output = b""
    while True:
        output += process.stdout.read() or b""
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid != 0:
            break
        if time.monotonic() > timer:
            process.kill()
            os.wait4(process.pid, 0)
            process.returncode = -9
            raise Failure(f"{command[0]}: no end after {limit} s")
        time.sleep(0.01)
    process.returncode = os.waitstatus_to_exitcode(status)
    output += process.stdout.read() or b""
    if process.returncode != 0:
        errors = process.stderr.read().decode(errors="replace").strip()
        raise Failure(f"{' '.join(command)}: exit status {process.returncode}: {errors or output.decode(errors='replace')}")
    return output.decode(errors="replace"), usage.ru_utime + usage.ru_stime
