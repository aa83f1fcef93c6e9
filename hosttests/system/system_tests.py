"""Whole-system tests: boot what users boot, judge the console. Each function is a test; tools/run-tests runs them."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "tools" / "lib"))
from harness import (ASHLAR_RUN, BUILD, DEBUG_HYPERVISOR, FAILED, GUEST, ROOT, WELL, Console, check,  # noqa: E402
                     make_bundle, make_iso, qemu_command, run_bochs)
import aarch64_tests  # noqa: E402
from console_checks import check_console_of_two_vms  # noqa: E402
from disk_images import check_file_system, make_file_system  # noqa: E402
import guest_kernels  # noqa: E402
import iommu_tests  # noqa: E402
import numa_tests  # noqa: E402
import shadow_tests  # noqa: E402

LINUX_CONF = """[vm linux]
kind = riscv64
memory = 256M
kernel = {kernel}
initrd = initramfs.cpio.gz
cmdline = console=ttyS0 quiet
disk = disk.img
"""
PROMPT = "ashlar:~# "


def use_disk(console):
    console.command_line("ls -l /dev/vda", r"brw.*/dev/vda")
    console.command_line("mount -t ext4 /dev/vda /mnt && cat /mnt/hello.txt", "hello from the disk")
    console.command_line("echo kept > /mnt/new.txt && umount /mnt && mount /dev/vda /mnt && cat /mnt/new.txt", "^kept")
    console.command_line("umount /mnt; echo unmounted $?", "^unmounted 0")


# ---------------------------------------------------------------- ashlar-run

def test_hosted_linux_with_a_disk(folder):
    disk = pathlib.Path(folder) / "disk.img"
    shutil.copyfile(GUEST / "disk.img", disk)
    command = [ASHLAR_RUN, "--memory", "512M", "--kernel", GUEST / "linux-disk", "--initrd",
               GUEST / "initramfs.cpio.gz", "--disk", disk, "--append", "console=ttyS0 quiet"]
    with Console(command, 120) as console:
        console.expect(PROMPT)
        use_disk(console)
        console.send("poweroff\n")
        console.expect_exit(0)
    check_file_system(disk, {})


def write_with_checksums(disk, files=2, options=()):
    """Linux under ashlar-run writes 32 MiB files to a disk in parallel, and says what is in them."""
    command = [ASHLAR_RUN, "--memory", "256M", "--kernel", GUEST / "linux-disk", "--initrd",
               GUEST / "initramfs.cpio.gz", "--disk", disk, "--append", "console=ttyS0 quiet", *options]
    with Console(command, 240) as console:
        console.expect(PROMPT)
        console.command_line("mount -t ext4 /dev/vda /mnt; echo mounted $?", "^mounted 0")
        console.command_line("cat /sys/block/vda/queue/logical_block_size /sys/block/vda/serial", "^[0-9]+")
        console.command_line(f"for i in $(seq {files}); do dd if=/dev/urandom of=/mnt/f$i bs=1M count=32 2> /dev/null & done; "
                             "wait; sync; echo 3 > /proc/sys/vm/drop_caches; echo written", "^written")
        sums = {}
        for number in range(1, files + 1):
            match = console.command_line(f"md5sum /mnt/f{number}", rf"^([0-9a-f]{{32}})  /mnt/f{number}")
            sums[f"f{number}"] = match.group(1)
        console.command_line("umount /mnt; echo unmounted $?", "^unmounted 0")
        console.send("poweroff\n")
        console.expect_exit(0)
        return sums, console.output


def test_hosted_disk_past_the_page_cache_in_large_blocks(folder):
    disk = pathlib.Path(folder) / "disk.img"
    make_file_system(disk)
    sums, output = write_with_checksums(f"{disk},direct=on,sector-size=4096,serial=LARGE", options=["--stats"])
    check("\n4096" in output and "\nLARGE" in output, "the guest does not see the disk's block size and serial number")
    check(int(re.search(r"disk0\.most_in_flight\s+(\d+)", output)[1]) > 1, "requests did not overlap")
    check_file_system(disk, sums)


def test_hosted_disk_with_threads(folder):
    disk = pathlib.Path(folder) / "disk.img"
    make_file_system(disk)
    sums, output = write_with_checksums(f"{disk},aio=threads")
    check("\n512" in output, "the guest does not see the disk's block size")
    check_file_system(disk, sums)


def test_hosted_disk_in_another_format(folder):
    raw, disk, socket = (pathlib.Path(folder) / name for name in ("disk.img", "disk.qcow2", "socket"))
    make_file_system(raw)
    subprocess.run(["qemu-img", "convert", "-O", "qcow2", raw, disk], check=True)
    with subprocess.Popen(["qemu-nbd", "--persistent", "--format=qcow2", f"--socket={socket}", disk]) as server:
        try:
            while not socket.exists() and server.poll() is None:
                time.sleep(0.01)
            sums, _ = write_with_checksums(f"nbd:unix:{socket}")
        finally:
            server.terminate()
    subprocess.run(["qemu-img", "convert", "-O", "raw", disk, raw], check=True)
    check_file_system(raw, sums)


def test_hosted_guest_reboots_while_it_writes(folder):
    # The machine's memory is another kernel's at once: nothing that was in flight may reach it.
    disk = pathlib.Path(folder) / "disk.img"
    disk.write_bytes(b"")
    os.truncate(disk, 256 << 20)
    command = [ASHLAR_RUN, "--memory", "256M", "--kernel", GUEST / "linux-disk", "--initrd",
               GUEST / "initramfs.cpio.gz", "--disk", f"{disk},direct=on", "--append", "console=ttyS0 quiet"]
    with Console(command, 240) as console:
        for _ in range(3):
            console.expect(PROMPT)
            console.command_line("for i in 1 2 3; do dd if=/dev/vda of=/dev/null bs=1M iflag=direct & "
                                 "dd if=/dev/zero of=/dev/vda bs=1M oflag=direct & done 2> /dev/null; echo begun", "^begun")
            console.send("reboot -f\n")
            console.expect("Welcome to Linux")
        console.expect(PROMPT)
        console.send("poweroff\n")
        console.expect_exit(0)


def test_hosted_debian_13_kernel_with_two_harts(folder):
    command = [ASHLAR_RUN, "--memory", "512M", "--harts", "2", "--kernel", GUEST / "linux", "--initrd",
               GUEST / "initramfs.cpio.gz", "--append", "console=ttyS0 quiet"]
    with Console(command, 120) as console:
        console.expect(PROMPT)
        console.command_line("uname -a", r"Linux ashlar 6\.12\..*riscv64")
        console.command_line("grep -c ^processor /proc/cpuinfo", "^2")
        console.send("poweroff\n")
        console.expect_exit(0)


def test_hosted_opensbi_starts_linux(folder):
    command = [ASHLAR_RUN, "--memory", "512M", "--firmware", GUEST / "fw_jump.bin", "--kernel", GUEST / "linux",
               "--initrd", GUEST / "initramfs.cpio.gz", "--append",
               'console=ttyS0 quiet ashlar.run="echo from opensbi"']
    with Console(command, 120) as console:
        console.expect("OpenSBI v")
        console.expect("from opensbi")
        console.expect_exit(0)


def test_hosted_guest_reboots(folder):
    command = [ASHLAR_RUN, "--memory", "512M", "--kernel", GUEST / "linux", "--initrd", GUEST / "initramfs.cpio.gz",
               "--append", "console=ttyS0 quiet"]
    with Console(command, 120) as console:
        console.expect(PROMPT)
        console.send("reboot\n")
        console.expect("Welcome to Linux")
        console.expect(PROMPT)
        console.send("poweroff\n")
        console.expect_exit(0)


def use_u_boot(console):
    console.expect("Hit any key to stop autoboot")
    console.send("\n")
    console.expect("=> ")
    console.send("virtio info\n")
    console.expect("Device 0: .*")
    console.expect("=> ")
    console.send("load virtio 0 ${kernel_addr_r} hello.txt\n")
    console.expect("20 bytes read")
    console.expect("=> ")
    console.send("poweroff\n")


def test_hosted_u_boot_loads_a_file(folder):
    command = [ASHLAR_RUN, "--memory", "256M", "--firmware", GUEST / "fw_dynamic.bin", "--kernel",
               GUEST / "u-boot-smode.bin", "--disk", f"{GUEST / 'disk.img'},readonly"]
    with Console(command, 120) as console:
        console.expect("OpenSBI v")
        use_u_boot(console)
        console.expect_exit(0)


def test_hosted_mistakes_are_explained(folder):
    for arguments, pattern in ((["--kernel", "/nonexistent"], "nonexistent"), (["--memory", "lots"], "memory"),
                               (["--frobnicate"], "frobnicate"), ([], "kernel")):
        ran = subprocess.run([ASHLAR_RUN, *arguments], capture_output=True, text=True, check=False,
                             stdin=subprocess.DEVNULL, timeout=30)
        check(ran.returncode != 0, f"{arguments} was accepted")
        check(pattern in ran.stdout + ran.stderr, f"{arguments}: the message does not name the mistake: {ran.stderr}")


def compare(folder, *options):
    """Runs tools/compare, which fails where checksums differ; returns its results."""
    output = pathlib.Path(folder) / "compare.json"
    ran = subprocess.run([ROOT / "tools/compare", "--runs", "1", "--output", output, *options], capture_output=True,
                         text=True, check=False)
    check(ran.returncode == 0, f"compare failed: {ran.stdout}{ran.stderr}")
    return json.loads(output.read_text())


def test_kernels_are_the_same_as_linux_programs(folder):
    rows = compare(folder, "--linux", "--repeat", "2")["rows"]
    check(all(row["agree"] and len(row["cost"]) == 4 for row in rows) and len(rows) > 10, f"not all results: {rows}")


def test_counts_of_instructions_repeat(folder):
    options = ("--count", "--machines", "ashlar,native", "--repeat", "1000", "sha256")
    first, second = (compare(folder, *options)["rows"][0] for _ in range(2))
    # The guest prints how long it ran: a digit more or less is a thousand instructions.
    differences = [abs(a - b) for who in ("ashlar", "native") for a, b in zip(first["counts"][who], second["counts"][who])]
    check(max(differences) < 5000, f"counts differ: {first} {second}")
    check(0.5 < first["cost"]["native"] < 1 < first["cost"]["ashlar"] < 10, f"strange counts: {first}")


def test_kernels_run_in_tier_2(folder):
    rows = compare(folder, "--tiers", "--exits", "1", "hash", "matmul")["rows"]
    check(all(row["facts"]["instructions.tier2_percent"] > 98 and len(row["exits"]) == 2 for row in rows) and len(rows) == 2,
          f"not in tier 2: {rows}")


def test_host_code_suits_older_cpus(folder):
    # Nehalem: without AVX, BMI and LZCNT; Haswell: with BMI2; EPYC: with PEXT in microcode.
    for kernel in ("hash", "sort", "fft"):
        image = guest_kernels.with_repeat(guest_kernels.BUILT / f"{kernel}.elf", 2, folder)
        lines = {}
        for cpu in ("max", "Nehalem", "Haswell", "EPYC"):
            for tier in ("1", "2"):
                command = ["qemu-x86_64", "-cpu", cpu, ASHLAR_RUN, "--tier", tier, "--memory", "256M", "--kernel", image]
                ran = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
                lines[cpu, tier] = guest_kernels.parse(ran.stdout, f"{kernel} on {cpu}")["checksum"]
        check(len(set(lines.values())) == 1, f"{kernel}: checksums differ: {lines}")


def test_outliers_of_benchmarks_are_counted(folder):
    """With a program that answers as a benchmark does."""
    samples = [10.0, 10.1, 10.2, 10.3, 10.4, 10.5, 10.6, 10.7, 10.8, 14.0]
    results = [{"name": "one", "run_name": "one", "run_type": "iteration", "time_unit": "us", "real_time": 0, "cpu_time": sample}
               for sample in samples] + [{"name": "one_mean", "run_type": "aggregate", "cpu_time": 1, "time_unit": "us"}]
    answer = pathlib.Path(folder) / "answer.json"
    answer.write_text(json.dumps({"benchmarks": results}))
    program = pathlib.Path(folder) / "benchmark"
    program.write_text(f"#!/bin/sh\ncat {answer}\n")
    program.chmod(0o755)
    for limit, code in (("10", 0), ("9", 1)):
        ran = subprocess.run([ROOT / "tools/bench-outliers", "--program", program, "--samples", "10", "--group", "1",
                              "--warm-up", "0", "--rounds", "2", "--limit", limit, "one"], capture_output=True, text=True, check=False)
        check(ran.returncode == code, f"status {ran.returncode}: {ran.stdout}{ran.stderr}")
        check(re.search(r"^one +10450\.000 .*10\.0 +10\.0$", ran.stdout, re.MULTILINE), f"not as computed: {ran.stdout}")


# ---------------------------------------------------------------- the hypervisor under QEMU

def test_embedded_guest_runs_without_a_bundle(folder):
    with Console(qemu_command(), 120) as console:
        console.expect(r"ashlar: W\^X: ok")
        console.expect(r"ashlar: Ashlar \S+ x86_64")
        console.expect(r"ashlar: numa        node 0")
        console.expect("ashlar: virt        SVM")
        console.expect("Hello from a riscv64 machine inside Ashlar")
        console.expect("There are 9592 primes below 100000")
        console.expect("ashlar: vm default: powered off")
        console.expect("ashlar: all VMs have ended, powering off")
        console.expect_exit(WELL)


def test_pci_devices_are_listed(folder):
    disk = pathlib.Path(folder) / "disk.img"
    disk.write_bytes(bytes(1 << 20))
    devices = ["-device", "pcie-root-port,id=rootport,chassis=1", "-device", "virtio-blk-pci,bus=rootport,drive=d", "-drive",
               f"id=d,if=none,format=raw,file={disk}", "-device", "pcie-pci-bridge,id=bridge", "-device",
               "virtio-rng-pci,bus=bridge,addr=3"]
    lines = (r"pci         00:00\.0 8086:29c0 06\.00\.00 host bridge",
             r"pci         00:0.\.0 1b36:000c 06\.04\.00 PCI bridge, buses 01 to 01, window 0x",
             r"pci         01:00\.0 1af4:1042 01\.00\.00 SCSI, bar1 mem32 0x\w+\+0x1000, bar4 mem64 0x\w+\+0x4000, msix 2",
             r"pci         00:0.\.0 1b36:000e 06\.04\.00 PCI bridge, buses 02 to 02, window 0x",
             r"pci         02:03\.0 1af4:1005 00\.ff\.00 device, bar0 io 0x")
    root = pathlib.Path(folder)
    shutil.copyfile(BUILD / "guests" / "endless-loop.elf", root / "loop.elf")
    bundle = make_bundle("[vm loop]\nkind = native\nmemory = 2M\nkernel = loop.elf\n", folder, root)
    with Console(qemu_command(bundle=bundle, extra=devices), 60) as console:
        console.expect("ashlar: pci         9 functions, configuration in memory")
        for line in lines:
            console.expect("ashlar: " + line)
        console.expect("ashlar: 1 VM started")
        console.send("\x01p")
        for line in lines:
            console.expect("ashlar: " + line)
    with Console([*qemu_command(bundle=bundle), "-M", "pc"], 60) as console:
        console.expect("ashlar: pci         5 functions, configuration by ports")
        console.expect(r"ashlar: pci         00:01\.1 8086:7010 01\.01\.80 IDE, bar4 io 0x")


def boot_from_disk(folder, device, lines, name="BUNDLE-1"):
    """Starts a VM from a bundle on a virtio disk; every byte of the bundle and of its disk is checked."""
    root = pathlib.Path(folder)
    shutil.copyfile(BUILD / "guests" / "hello.elf", root / "hello.elf")
    (root / "noise.bin").write_bytes(os.urandom(5 << 20))
    conf = "[vm hello]\nkind = riscv64\nmemory = 32M\nkernel = hello.elf\ndisk = noise.bin\n"
    bundle = make_bundle(conf, folder, root)
    data = bundle.read_bytes()
    data = data[:(data.rindex(b"TRAILER!!!\0") + 11 + 3) // 4 * 4]  # without the padding
    disk = root / "disk.img"
    disk.write_bytes(data + os.urandom(1 << 20))  # what follows is not the bundle's
    os.truncate(disk, (disk.stat().st_size + 4095) // 4096 * 4096)
    extra = ["-drive", f"id=d,if=none,format=raw,file={disk}", "-device", f"{device},drive=d,serial=BUNDLE-1"]
    with Console(qemu_command(append=f"bundle={name}", extra=extra), 120) as console:
        for line in lines:
            console.expect(line)
        console.expect(rf"ashlar: bundle      {len(data) // 1024} KiB from disk {re.escape(name)}, "
                       rf"CRC-32 {zlib.crc32(data):08x}\r")
        console.expect("ashlar: vm hello: riscv64, 32 MiB, 1 vcpu, 1 disk")
        console.expect("Hello from a riscv64 machine inside Ashlar")
        console.expect_exit(WELL)


def test_bundle_on_a_virtio_disk(folder):
    boot_from_disk(folder, "virtio-blk-pci", (r"disk        00:0.\.0 virtio, serial \"BUNDLE-1\", \d+ KiB in blocks "
                                              r"of 512 bytes, 1 queue of 128, split rings",))


def test_bundle_on_a_virtio_disk_with_packed_rings(folder):
    device = "virtio-blk-pci,packed=on,num-queues=4,logical_block_size=4096,physical_block_size=4096,addr=9"
    boot_from_disk(folder, device, (r"disk        00:09\.0 virtio, serial \"BUNDLE-1\", \d+ KiB in blocks of 4096 "
                                    r"bytes, 4 queues of 128, packed rings",), "00:09.0")


def test_bundle_on_a_virtio_disk_without_what_is_optional(folder):
    device = "virtio-blk-pci,event_idx=off,indirect_desc=off,queue-size=16,seg-max-adjust=off"
    boot_from_disk(folder, device, (r"1 queue of 16, split rings",))


def test_bundle_on_a_disk_that_is_not_there(folder):
    disk = pathlib.Path(folder) / "disk.img"
    disk.write_bytes(bytes(1 << 20))
    extra = ["-drive", f"id=d,if=none,format=raw,file={disk}", "-device", "virtio-blk-pci,drive=d,serial=EMPTY"]
    for name, line in (("OTHER", "disk OTHER: not found"),
                       ("EMPTY", "bundle: cannot be read from disk EMPTY: malformed"),
                       ("00:00.0", "disk 00:00.0: not found")):
        with Console(qemu_command(append=f"bundle={name}", extra=extra), 60) as console:
            console.expect("ashlar: " + line)
            console.expect_exit(FAILED)


def test_linux_in_a_vm_reaches_a_shell(folder):
    bundle = make_bundle(LINUX_CONF.format(kernel="linux"), folder)
    with Console(qemu_command(bundle=bundle, memory="2G"), 600) as console:
        console.send("uname -a\n")  # as a script does that pipes its input: kept until the guest listens
        console.expect("ashlar: vm linux: riscv64, 256 MiB")
        console.expect("Welcome to Linux 6.12")
        console.expect(PROMPT)
        console.expect(r"Linux ashlar 6\.12\..*riscv64")
        console.expect(PROMPT)
        console.command_line("cat /proc/cpuinfo", r"isa\s*: rv64imafdc")
        console.send("poweroff\n")
        console.expect("ashlar: vm linux: powered off")
        console.expect_exit(WELL)


def test_linux_in_a_vm_uses_its_disk(folder):
    bundle = make_bundle(LINUX_CONF.format(kernel="linux-disk"), folder)
    with Console(qemu_command(bundle=bundle, memory="2G"), 600) as console:
        console.expect(PROMPT)
        use_disk(console)
        console.send("poweroff\n")
        console.expect_exit(WELL)


def test_u_boot_in_a_vm_loads_a_file(folder):
    conf = """[vm uboot]
kind = riscv64
memory = 128M
firmware = fw_dynamic.bin
kernel = u-boot-smode.bin
disk = disk.img
"""
    with Console(qemu_command(bundle=make_bundle(conf, folder)), 300) as console:
        console.expect("OpenSBI v")
        use_u_boot(console)
        console.expect_exit(WELL)


def test_a_crashing_vm_leaves_its_neighbour_alone(folder):
    # One VM jumps into nothing at once; the other does its work to the end.
    root = pathlib.Path(folder)
    (root / "images").mkdir()
    shutil.copyfile(BUILD / "guests" / "hello.elf", root / "images" / "hello.elf")
    shutil.copyfile(BUILD / "guests" / "triple-fault.elf", root / "images" / "crash.elf")
    conf = """[vm good]
kind = riscv64
memory = 64M
kernel = hello.elf

[vm bad]
kind = native
memory = 2M
kernel = crash.elf
"""
    bundle = make_bundle(conf, folder, root / "images")
    with Console(qemu_command(bundle=bundle), 180) as console:
        console.expect("ashlar: vm bad: native, 2 MiB")
        console.expect("ashlar: vm bad: stopped: its CPU shut down")
        console.expect(r"\[good\] There are 9592 primes")
        console.expect("ashlar: vm good: powered off")
        console.expect_exit(FAILED)


# Programs of hosttests/guests, and what the hypervisor says when it stops them; None: they find all well.
NATIVE_PROGRAMS = {"triple-fault": "its CPU shut down", "outside-memory": "read of 0x7000000000",
                   "walk-outside": "by its page tables", "write-image": "write of 0x5000000000",
                   "run-image": "instruction fetch of 0x5000000000", "bad-port": "I/O port 0x3f8",
                   "halt-for-ever": "halted with interrupts off", "crash": "gave up: out of luck",
                   "bad-hypercalls": None, "forbidden": None,
                   "own-state": None, "own-state-too": None, "endless-loop": None}


def make_native_bundle(folder):
    root = pathlib.Path(folder) / "images"
    root.mkdir()
    conf = ""
    for name in NATIVE_PROGRAMS:
        shutil.copyfile(BUILD / "guests" / f"{name.removesuffix('-too')}.elf", root / f"{name}.elf")
        conf += f"[vm {name}]\nkind = native\nmemory = 2M\nkernel = {name}.elf\ncmdline = an image\n\n"
    return make_bundle(conf, folder, root)


def check_native_programs(output):
    check(f"ashlar: {len(NATIVE_PROGRAMS)} VMs started" in output, "not all VMs were started")
    for name, message in NATIVE_PROGRAMS.items():
        if message is None:
            stopped = next((l for l in output.splitlines() if f"ashlar: vm {name}: stopped" in l), "")
            check(f"ashlar: vm {name}: powered off" in output, f"{name} did not end well: {stopped}")
        else:
            line = next((l for l in output.splitlines() if f"ashlar: vm {name}: stopped" in l), "")
            check(message in line, f"{name}: {message!r} is not in {line!r}")
    check("\nashlar: vm neighbour" not in output, "the message of a crashing VM passed for one of the hypervisor's")


def test_a_native_vm_says_hello_and_uses_its_disks(folder):
    root = pathlib.Path(folder) / "images"
    root.mkdir()
    shutil.copyfile(BUILD / "guests" / "native-hello.elf", root / "hello.elf")
    (root / "disk.img").write_bytes(b"from sector number 0".ljust(512, b".") + bytes(512))
    conf = """[vm hello]
kind = native
memory = 2M
kernel = hello.elf
disk = disk.img
disk = disk.img, readonly
"""
    with Console(qemu_command(bundle=make_bundle(conf, folder, root)), 60) as console:
        console.expect("^Hello from a native VM\\.$")
        console.expect("^from sector number 0")
        console.expect("^ashlar: vm hello: powered off")
        console.expect_exit(WELL)


def test_the_console_is_switched_between_vms(folder):
    check_console_of_two_vms(folder, BUILD / "guests" / "echo.elf", qemu_command)


def test_each_kind_of_misbehaviour_stops_one_vm(folder):
    with Console(qemu_command(bundle=make_native_bundle(folder)), 180) as console:
        code = console.wait()
        check_native_programs(console.output)
        check(code == FAILED, f"exit code {code}")


def test_debug_build_runs_vms_and_finds_nothing(folder):
    with Console(qemu_command(DEBUG_HYPERVISOR, bundle=make_native_bundle(folder)), 240) as console:
        console.expect("^ashlar: debug       every frame is checked")
        code = console.wait()
        check_native_programs(console.output)
        check("ashlar: memory: " not in console.output and code == FAILED, f"exit code {code}: {console.output}")


def test_mistakes_in_a_bundle_cost_one_vm(folder):
    root = pathlib.Path(folder) / "images"
    root.mkdir()
    shutil.copyfile(BUILD / "guests" / "hello.elf", root / "hello.elf")
    conf = """[vm typo]
kind = riscv64
memmory = 64M
kernel = hello.elf

[vm greedy]
kind = riscv64
memory = 64G
kernel = hello.elf

[vm good]
kind = riscv64
memory = 64M
kernel = hello.elf
"""
    with Console(qemu_command(bundle=make_bundle(conf, folder, root)), 120) as console:
        console.expect(r"ashlar: ashlar\.conf:3: .*memmory")
        console.expect("ashlar: vm typo: not started")
        console.expect(r"ashlar: ashlar\.conf:\d+: not enough memory")
        console.expect("ashlar: vm greedy: not started")
        console.expect("There are 9592 primes")
        console.expect_exit(FAILED)


def test_cpu_without_svm_is_refused_with_a_message(folder):
    command = qemu_command()
    command[command.index("max")] = "max,svm=off"
    with Console(command, 60) as console:
        console.expect("this CPU has no SVM")
        console.expect_exit(FAILED)


def test_exceptions_of_the_hypervisor_are_reported(folder):
    for name, patterns in {"page-fault": ("exception 14", "cr2 0x0000000012345678", "read_from_nowhere"),
                           "stack-overflow": ("exception 8", "stack overflow", "overflow_the_stack"),
                           "write-to-code": ("exception 14", "error code 0x3", "write_to_code"),
                           "assertion": ("assertion failed", "run_selftest")}.items():
        with Console(qemu_command(append=f"selftest={name}"), 60) as console:
            for pattern in patterns:
                console.expect(pattern)
            console.expect_exit(FAILED)


def test_a_cpu_can_be_kicked(folder):
    with Console(qemu_command(append="selftest=kick"), 60) as console:
        console.expect("ashlar: selftest: was kicked")
        console.expect_exit(WELL)


# ---------------------------------------------------------------- other ways to boot

def test_grub_boots_the_hypervisor_on_bios(folder):
    root = pathlib.Path(folder) / "images"
    root.mkdir()
    shutil.copyfile(BUILD / "guests" / "hello.elf", root / "hello.elf")
    bundle = make_bundle("[vm hello]\nkind = riscv64\nmemory = 64M\nkernel = hello.elf\n", folder, root)
    iso = pathlib.Path(folder) / "ashlar.iso"
    make_iso(iso, bundle)
    with Console(qemu_command(cdrom=iso), 120) as console:
        console.expect("ashlar: boot        multiboot2")
        console.expect("There are 9592 primes")
        console.expect_exit(WELL)


def test_grub_boots_the_hypervisor_on_uefi(folder):
    iso = pathlib.Path(folder) / "ashlar.iso"
    make_iso(iso)
    with Console(qemu_command(cdrom=iso, extra=["-bios", "/usr/share/ovmf/OVMF.fd"]), 180) as console:
        console.expect("ashlar: boot        multiboot2")
        console.expect("There are 9592 primes")
        console.expect_exit(WELL)


def test_bochs_runs_vms_on_its_svm(folder):
    iso = pathlib.Path(folder) / "ashlar.iso"
    make_iso(iso)
    text = run_bochs(iso, folder, "ryzen", "ashlar: all VMs have ended")
    for line in ("ashlar: virt        SVM", "There are 9592 primes", "ashlar: vm default: powered off"):
        check(line in text, f"{line!r} is missing from:\n{text[-2500:]}")


def test_bochs_isolates_vms(folder):
    iso = pathlib.Path(folder) / "ashlar.iso"
    make_iso(iso, make_native_bundle(folder))
    check_native_programs(run_bochs(iso, folder, "ryzen", "ashlar: all VMs have ended"))


TESTS = {name[5:]: function for module in (numa_tests, iommu_tests, aarch64_tests, shadow_tests) for name, function in vars(module).items()
         if name.startswith("test_")}
TESTS |= {name[5:]: function for name, function in globals().items()
         if name.startswith("test_")}


def run(name):
    with tempfile.TemporaryDirectory(prefix="ashlar-") as folder:
        TESTS[name](folder)


if __name__ == "__main__":
    for wanted in sys.argv[1:] or TESTS:
        run(wanted)
        print(f"{wanted}: ok", flush=True)
