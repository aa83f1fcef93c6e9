"""Whole-system tests on machines with an IOMMU; system_tests.py takes them in."""
import os
import pathlib
import re
import shutil

from disk_images import check_file_system, make_file_system
from harness import BUILD, FAILED, WELL, Console, check, make_bundle, qemu_command

IOMMU = ["-device", "intel-iommu,intremap=on"]
LINUX = """[vm linux]
kind = riscv64
memory = 256M
kernel = linux-disk
initrd = initramfs.cpio.gz
cmdline = console=ttyS0 quiet
"""
PROMPT = "ashlar:~# "
DISK = "virtio-blk-pci,disable-legacy=on,iommu_platform=on"


def test_own_disk_behind_an_iommu(folder):
    """The hypervisor boots from a disk whose accesses an IOMMU translates; the console interrupts through it."""
    root = pathlib.Path(folder)
    shutil.copyfile(BUILD / "guests" / "echo.elf", root / "echo.elf")
    bundle = make_bundle("[vm echo]\nkind = native\nmemory = 2M\nkernel = echo.elf\n", folder, root)
    os.truncate(bundle, (bundle.stat().st_size + 4095) // 4096 * 4096)
    disk = ["-drive", f"id=d,if=none,format=raw,file={bundle}", "-device", f"{DISK},drive=d,serial=BUNDLE"]
    for bits, levels in ((39, 3), (48, 4)):
        iommu = ["-device", f"intel-iommu,intremap=on,aw-bits={bits}"]
        with Console(qemu_command(append="bundle=BUNDLE", extra=[*iommu, *disk]), 60) as console:
            console.expect(rf"ashlar: iommu       VT-d, 1 unit, {levels} levels, leaves up to \d [MG]iB, interrupts remapped")
            console.expect("ashlar: 1 VM started")
            console.send("a")
            console.expect("^a")
            console.send("q")
            console.expect_exit(WELL)


def disk_arguments(path, name="d", options="", device=DISK, drive=""):
    return ["-drive", f"id={name},if=none,format=raw,file={path}{drive}", "-device", f"{device},drive={name}{options}"]


def native_guests(folder, *names):
    for name in names:
        shutil.copyfile(BUILD / "guests" / f"{name}.elf", pathlib.Path(folder) / f"{name}.elf")


def native_conf(vm, program, rest=""):
    return f"[vm {vm}]\nkind = native\nmemory = 2M\nkernel = {program}.elf\n{rest}\n"


PASSTHROUGH = "disk = pci:00:04.0, mode = passthrough\n"


def drive_the_real_disk(folder, size):
    """No exit of the VM is for a request; the file system and its checksums are judged afterwards."""
    disk = pathlib.Path(folder) / f"disk{size}.img"
    make_file_system(disk)
    conf = LINUX + PASSTHROUGH
    sector = f",addr=4,serial=REAL,logical_block_size={size},physical_block_size={size}"
    with Console(qemu_command(bundle=make_bundle(conf, folder), memory="2G",
                              extra=[*IOMMU, *disk_arguments(disk, options=sector)]), 600) as console:
        console.expect("ashlar: vm linux: device 00:04.0 is its own")
        console.expect(PROMPT)
        console.command_line("cat /sys/block/vda/serial /sys/block/vda/queue/logical_block_size", rf"^REAL{size}\b")
        console.command_line("grep virtio0 /proc/interrupts", "PLIC")
        console.command_line("mount -t ext4 /dev/vda /mnt; for i in 1 2; do dd if=/dev/urandom of=/mnt/f$i bs=64k count=64; "
                             "done 2>&1 | grep -c records.out", "^2")
        # Requests of 4 KiB past the page cache, one at a time; beside a program that keeps the guest from sleeping,
        # for which it would set a timer.
        console.command_line("sync; while :; do :; done & echo spinning", "^spinning")
        before = statistics(console)
        console.command_line("dd if=/mnt/f1 of=/dev/null bs=4k iflag=direct 2>&1 | grep records.out", r"^1024\+0")
        after = statistics(console)
        console.command_line("kill $!; echo over", "^over")
        console.command_line("md5sum /mnt/f* > /tmp/sums; umount /mnt; sed 's#/mnt/##' /tmp/sums", "f2")
        console.send("poweroff\n")
        console.expect_exit(WELL)
    sums = dict(reversed(line) for line in re.findall(r"^([0-9a-f]{32})  (f\d)", console.output, re.MULTILINE))
    check(len(sums) == 2, "no checksums")
    check_file_system(disk, sums)
    check(not re.search("address .* refused", console.output), "the IOMMU refused an access")
    # What the VM prints meanwhile is all that it calls for.
    spent = {name: after[name] - before[name] for name in after}
    check(spent["requests"] >= 1024 and spent["hypercalls"] < 64, f"for 1024 requests: {spent}")


def test_linux_drives_the_real_disk(folder):
    drive_the_real_disk(folder, 512)


def test_linux_drives_the_real_disk_in_large_blocks(folder):
    drive_the_real_disk(folder, 4096)


def statistics(console):
    console.send("\x01s")
    vm = console.expect(r"vm linux: run \d+ ms, exits (\d+), hypercalls (\d+), halts (\d+), preemptions (\d+), "
                        r"injections (\d+),")
    requests = console.expect(r"pci0\.notifications\s+(\d+)\s")
    return {"exits": int(vm[1]), "hypercalls": int(vm[2]), "halts": int(vm[3]), "preemptions": int(vm[4]),
            "injections": int(vm[5]), "requests": int(requests[1])}


def test_dma_outside_of_the_vm_is_refused(folder):
    """And told with device, address and VM; the other VM and the hypervisor go on."""
    disk = pathlib.Path(folder) / "disk.img"
    disk.write_bytes(b"\xcc" * (1 << 20))
    native_guests(folder, "dma-outside", "echo")
    conf = native_conf("evil", "dma-outside", PASSTHROUGH) + native_conf("other", "echo")
    with Console(qemu_command(bundle=make_bundle(conf, folder, pathlib.Path(folder)),
                              extra=[*IOMMU, *disk_arguments(disk, options=",addr=4")]), 60) as console:
        console.expect(r"ashlar: vm evil: device 00:04\.0: write of address 0x200000 refused, reason 0x5")
        console.send("\x012a")
        console.expect(r"\[other\] a")
        console.send("q")
        console.expect("ashlar: vm other: powered off")
        console.send("q")
        console.expect_exit(WELL)


def test_a_vm_ends_with_requests_in_flight(folder):
    """The device is quiet before its memory goes: what it had in flight does not come late."""
    disk = pathlib.Path(folder) / "disk.img"
    disk.write_bytes(bytes(4 << 20))
    native_guests(folder, "requests-in-flight", "echo")
    conf = native_conf("killed", "requests-in-flight", "private = 4M\n" + PASSTHROUGH).replace("memory = 2M", "memory = 4M")
    conf += native_conf("other", "echo")
    slow = disk_arguments(disk, options=",addr=4", drive=",throttling.bps-total=65536")
    told = ["-d", "trace:virtio_set_status,trace:virtio_blk_rw_complete"]  # by QEMU, what the device does
    with Console(qemu_command(bundle=make_bundle(conf, folder, pathlib.Path(folder)), extra=[*IOMMU, *slow, *told]), 60) as console:
        console.expect("ashlar: vm killed: stopped: read of 0x7000000000")
        console.expect("ashlar: vm killed: ended with a failure")
        console.expect("virtio_blk_rw_complete .* ret 0")
        console.expect(r"virtio_set_status vdev \S+ val 0\s")
        console.send("a")
        console.expect(r"\[other\] a")
        console.send("q")
        console.expect_exit(FAILED)
    check(not re.search("address .* refused", console.output) and "lost" not in console.output, "the device was not quiet")


def test_devices_that_cannot_be_given_away(folder):
    disk, other = (pathlib.Path(folder) / name for name in ("disk.img", "other.img"))
    for path in (disk, other):
        path.write_bytes(bytes(1 << 20))
    native_guests(folder, "echo")
    conf = native_conf("one", "echo", PASSTHROUGH)
    legacy = "virtio-blk-pci,disable-legacy=on"
    for extra, message in (
            (disk_arguments(disk, options=",addr=4"), "mode passthrough needs an IOMMU, and none is in use"),
            (["-device", "intel-iommu,intremap=off", *disk_arguments(disk, options=",addr=4")],
             "the IOMMU does not remap interrupts"),
            ([*IOMMU, *disk_arguments(disk, device=legacy, options=",addr=4")], "it goes past the IOMMU"),
            ([*IOMMU, *disk_arguments(disk, options=",addr=4,vectors=0")], "cannot be given away"),
            ([*IOMMU, "-device", "virtio-rng-pci,addr=4,disable-legacy=on,iommu_platform=on"], "no block device"),
            ([*IOMMU, *disk_arguments(disk, options=",addr=4.0,multifunction=on"),
              *disk_arguments(other, "e", options=",addr=4.1")], "it shares its slot"),
            (IOMMU, "no device is there")):
        with Console(qemu_command(bundle=make_bundle(conf, folder, pathlib.Path(folder)), extra=extra), 60) as console:
            console.expect(rf"ashlar: ashlar\.conf:5: disk pci:00:04\.0: .*{message}")
            console.expect("ashlar: vm one: not started")
            console.expect_exit(FAILED)
    twice = conf + native_conf("two", "echo", PASSTHROUGH)
    with Console(qemu_command(bundle=make_bundle(twice, folder, pathlib.Path(folder)),
                              extra=[*IOMMU, *disk_arguments(disk, options=",addr=4")]), 60) as console:
        console.expect(r"ashlar: ashlar\.conf:\d+: disk pci:00:04\.0: it is in use")
        console.expect("ashlar: 1 VM started")
        console.send("q")
        console.expect_exit(FAILED)


def test_a_guest_reboots_with_requests_in_flight(folder):
    """The device is reset before RAM is cleared, and works again for the next kernel."""
    disk = pathlib.Path(folder) / "disk.img"
    make_file_system(disk)
    with Console(qemu_command(bundle=make_bundle(LINUX + PASSTHROUGH, folder), memory="2G",
                              extra=[*IOMMU, *disk_arguments(disk, options=",addr=4")]), 600) as console:
        console.expect(PROMPT)
        console.command_line("mount -t ext4 /dev/vda /mnt && echo kept > /mnt/kept && sync; echo ok $?", "^ok 0")
        console.send("dd if=/dev/vda of=/dev/null bs=64k iflag=direct & reboot -f\n")
        console.expect("Restarting system")
        console.expect("Welcome to Linux")
        console.expect(PROMPT)
        console.command_line("mount -t ext4 /dev/vda /mnt && cat /mnt/kept; umount /mnt", "^kept")
        console.send("poweroff\n")
        console.expect_exit(WELL)
    check_file_system(disk, {})
    check(not re.search("address .* refused", console.output), "the device was not quiet")


def test_own_and_shared_disks_go_together(folder):
    """In both orders: the disks that the hypervisor drives, and those that it does not."""
    images = [pathlib.Path(folder) / f"{name}.img" for name in "de"]
    for image in images:
        image.write_bytes(bytes(1 << 20))
    native_guests(folder, "echo", "dma-outside")
    extra = [*IOMMU, *disk_arguments(images[0], options=",addr=4"), *disk_arguments(images[1], "e", options=",addr=5")]
    shared = native_conf("shared", "echo", "disk = pci:00:05.0, mode = shadow\n")
    own = native_conf("own", "dma-outside", PASSTHROUGH)
    for conf, first in ((shared + own, "shared"), (own + shared, "own")):
        with Console(qemu_command(bundle=make_bundle(conf, folder, pathlib.Path(folder)), extra=extra), 60) as console:
            console.expect("ashlar: 2 VMs started")
            console.expect(r"ashlar: vm own: device 00:04\.0: write of address 0x200000 refused")
            for _ in range(2):
                console.send("q")
                console.expect(f"ashlar: vm {first}: powered off")
                first = "own" if first == "shared" else "shared"
            console.expect_exit(WELL)
    conf = native_conf("shared", "echo", "disk = pci:00:04.0, mode = shadow\n") + own
    with Console(qemu_command(bundle=make_bundle(conf, folder, pathlib.Path(folder)), extra=extra), 60) as console:
        console.expect(r"disk pci:00:04\.0: VMs have parts of it")
        console.send("q")
        console.expect_exit(FAILED)
    conf = own + native_conf("shared", "echo", "disk = pci:00:04.0, mode = shadow\n")
    with Console(qemu_command(bundle=make_bundle(conf, folder, pathlib.Path(folder)), extra=extra), 60) as console:
        console.expect("vm shared: not started")
        console.send("q")
        console.expect_exit(FAILED)
