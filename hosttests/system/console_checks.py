"""What the hypervisor's console does, on whichever host."""
import pathlib
import shutil

from harness import WELL, Console, make_bundle


def check_console_of_two_vms(folder, echo, command):
    """Two VMs that answer what is typed share it. `echo`: their image; `command`: makes QEMU's command line."""
    root = pathlib.Path(folder) / "images"
    root.mkdir()
    shutil.copyfile(echo, root / "echo.elf")
    conf = "".join(f"[vm {name}]\nkind = native\nmemory = 2M\nkernel = echo.elf\n" for name in ("one", "two"))
    with Console(command(bundle=make_bundle(conf, folder, root)), 60) as console:
        console.expect("ashlar: 2 VMs started")
        console.send("a")
        console.expect(r"^\[one\] a")
        console.send("\x012b")
        console.expect("^ashlar: console: input goes to two")
        console.expect(r"^\[two\] b")
        console.send("\x01s")
        for _ in range(2):
            console.expect(r"^ashlar: vm (one|two): run \d+ ms, exits \d+")
            console.expect(r"^ashlar: vm (one|two): mapped in 0 leaves of 1 GiB, [1-9]\d* of 2 MiB, \d+ of 4 KiB; uses [1-9]\d* KiB")
        console.send("\x01m")
        console.expect(r"^ashlar: node 0: \d+ MiB, \d+ MiB free, \d+ KiB of it in caches of CPUs, fragmentation")
        console.expect(r"^ashlar: node 0: free blocks of 4 KiB to 1 GiB:( \d+){19}")
        console.expect(r"^ashlar: node 0: frames handed out: [1-9]\d* local, 0 remote, 0 interleaved")
        console.expect(r"^ashlar: vm (one|two): \d+ KiB: node 0 100.0 %")
        console.send("\x019")
        console.expect("^ashlar: console: there is no VM 9")
        console.send("\x01h")
        console.expect("^ashlar: console: Ctrl-A 1..9")
        console.send("q")
        console.expect("^ashlar: vm two: powered off")
        console.send("c")
        console.expect(r"^\[one\] c")
        console.send("q")
        console.expect("^ashlar: vm one: powered off")
        console.expect_exit(WELL)
