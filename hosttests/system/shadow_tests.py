"""Whole-system tests of VMs on disks of the machine, by shadowed queues; system_tests.py takes them in."""
import pathlib
import re
import struct
import subprocess
import uuid
import zlib

from disk_images import check_file_system, make_file_system
from harness import WELL, Console, check, make_bundle, qemu_command

PROMPT = "ashlar:~# "
LINUX = """[vm {name}]
kind = riscv64
memory = 128M
kernel = linux-disk
initrd = initramfs.cpio.gz
cmdline = console=ttyS0 quiet {cmdline}
disk = {disk}
"""


def drive(path, serial, options="", blocks=512, **more):
    """Arguments of QEMU for a virtio disk."""
    name = f"drive{serial}"
    source = more.get("source", f"format=raw,file={path}")
    return ["-drive", f"id={name},if=none,{source}", "-device",
            f"virtio-blk-pci,drive={name},serial={serial},logical_block_size={blocks},physical_block_size={blocks}{options}"]


# The guest's script: what it prints is what we check. No prompt is waited for, so that it works on a shared console.
SCRIPT = ("mount -t ext4 /dev/vda /mnt; echo mounted $?; cat /sys/block/vda/queue/logical_block_size; "
          "dd if=/dev/urandom of=/mnt/f bs=64k count={blocks} 2> /dev/null; sync; "
          "echo 3 > /proc/sys/vm/drop_caches; md5sum /mnt/f; umount /mnt; echo unmounted $?; poweroff")


def script(blocks):
    return f'ashlar.run="{SCRIPT.format(blocks=blocks)}"'


def write_on_shadowed_disk(folder, option, device_options="", blocks=512, files=64):
    root = pathlib.Path(folder)
    disk = root / "disk.img"
    make_file_system(disk, "32M")
    conf = LINUX.format(name="linux", cmdline=script(files), disk=f"serial:DATA{option}")
    bundle = make_bundle(conf, folder)
    with Console(qemu_command(bundle=bundle, extra=drive(disk, "DATA", device_options, blocks)), 400) as console:
        console.expect(r'ashlar: disk        \S+ virtio, serial "DATA", 32768 KiB')
        console.expect("ashlar: vm linux: riscv64, 128 MiB, 1 vcpu, 1 disk")
        console.expect("^mounted 0")
        size = console.expect(r"^(\d+)\r?\n").group(1)
        digest = console.expect(r"([0-9a-f]{32})  /mnt/f").group(1)
        console.expect("^unmounted 0")
        console.expect("ashlar: vm linux: powered off")
        console.expect_exit(WELL)
    check_file_system(disk, {"f": digest})
    return size


def test_shadowed_disk_with_large_sectors(folder):
    size = write_on_shadowed_disk(folder, "")
    check(size == "4096", f"the guest sees sectors of {size} bytes")


def test_shadowed_disk_with_small_sectors_without_what_is_optional(folder):
    size = write_on_shadowed_disk(folder, ", sector_size = 512",
                                  ",event_idx=off,indirect_desc=off,queue-size=16,seg-max-adjust=off,vectors=0")
    check(size == "512", f"the guest sees sectors of {size} bytes")


def test_shadowed_disk_of_large_blocks_with_packed_rings(folder):
    size = write_on_shadowed_disk(folder, ", sector_size = device", ",packed=on,num-queues=4", 4096)
    check(size == "4096", f"the guest sees sectors of {size} bytes")


def write_gpt(path, megabytes, partitions):
    """A disk with a GUID partition table in 512-byte blocks: (GUID, first MiB, MiBs)."""
    blocks = megabytes << 11
    entries = bytearray(128 * 128)
    for number, (guid, first, size) in enumerate(partitions):
        kind = uuid.UUID("0fc63daf-8483-4772-8e79-3d69d8477de4")
        entries[128 * number:128 * number + 48] = struct.pack("<16s16sQQ", kind.bytes_le, guid.bytes_le, first << 11,
                                                              ((first + size) << 11) - 1)
    with open(path, "r+b" if path.exists() else "w+b") as disk:
        disk.truncate(megabytes << 20)
        for at, array, other in ((1, 2, blocks - 1), (blocks - 1, blocks - 33, 1)):
            disk.seek(array * 512)
            disk.write(entries)
            header = bytearray(struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, 0, 0, at, other, 34, blocks - 34,
                                           uuid.uuid4().bytes_le, array, 128, 128, zlib.crc32(entries)))
            header[16:20] = struct.pack("<I", zlib.crc32(header))
            disk.seek(at * 512)
            disk.write(header)


def test_two_vms_on_two_partitions(folder):
    root = pathlib.Path(folder)
    disk = root / "disk.img"
    guids = [uuid.uuid4(), uuid.uuid4()]
    parts = [root / "one.img", root / "two.img"]
    write_gpt(disk, 70, [(guids[0], 1, 32), (guids[1], 33, 32)])
    for number, part in enumerate(parts):
        make_file_system(part, "32M")
        with open(disk, "r+b") as whole:
            whole.seek((1 + 32 * number) << 20)
            whole.write(part.read_bytes())
    rest = disk.read_bytes()[:1 << 20], disk.read_bytes()[65 << 20:]
    conf = "".join(LINUX.format(name=name, cmdline=script(48), disk=f"partition:{guid}")
                   for name, guid in zip(("one", "two"), guids))
    # The same again: whoever comes second is refused.
    conf += LINUX.format(name="thief", cmdline="", disk=f"partition:{guids[0]}")
    conf += LINUX.format(name="all", cmdline="", disk="serial:DATA")
    conf += LINUX.format(name="lost", cmdline="", disk=f"partition:{uuid.uuid4()}")
    with Console(qemu_command(bundle=make_bundle(conf, folder), extra=drive(disk, "DATA")), 500) as console:
        for line, name in ((21, "thief"), (28, "all")):
            console.expect(rf"ashlar: ashlar\.conf:{line}: disk \S+: vm one has it already, or a part of it, and one of them may write")
            console.expect(f"ashlar: vm {name}: not started")
        console.expect(r"ashlar: ashlar\.conf:35: disk partition:\S+: the machine has no such partition")
        console.expect("ashlar: 2 VMs started")
        console.wait()
        sums = dict(re.findall(r"^\[(\w+)\] ([0-9a-f]{32})  /mnt/f", console.output, re.MULTILINE))
    check(sorted(sums) == ["one", "two"], f"no checksums in:\n{console.output[-2500:]}")
    content = disk.read_bytes()
    check((content[:1 << 20], content[65 << 20:]) == rest, "what is outside of the partitions has changed")
    for number, (name, part) in enumerate(zip(("one", "two"), parts)):
        part.write_bytes(content[(1 + 32 * number) << 20:(33 + 32 * number) << 20])
        check_file_system(part, {"f": sums[name]})


# ---------------------------------------------------------------- faults

def test_shadowed_disk_whose_requests_fail(folder):
    """Errors of the machine's disk are the guest's errors, and those of nobody else."""
    root = pathlib.Path(folder)
    disk = root / "disk.img"
    disk.write_bytes(bytes(16 << 20))
    rules = root / "blkdebug.conf"
    rules.write_text('[inject-error]\nevent = "none"\niotype = "read"\nerrno = "5"\nsector = "8192"\nonce = "off"\n'
                     '[inject-error]\nevent = "none"\niotype = "write"\nerrno = "28"\nsector = "16384"\nonce = "off"\n')
    commands = ("dd if=/dev/vda of=/dev/null bs=4k count=1 skip=1024 iflag=direct 2> /dev/null; echo bad $?; "
                "dd if=/dev/vda of=/dev/null bs=4k count=1 skip=1025 iflag=direct 2> /dev/null; echo good $?; "
                "dd if=/dev/zero of=/dev/vda bs=4k count=1 seek=2048 oflag=direct 2> /dev/null; echo full $?; "
                "dd if=/dev/zero of=/dev/vda bs=4k count=1 seek=2049 oflag=direct 2> /dev/null; echo fine $?; poweroff")
    conf = LINUX.format(name="linux", cmdline=f'ashlar.run="{commands}"', disk="serial:DATA")
    extra = drive(disk, "DATA", ",werror=report,rerror=report",
                  source=f"driver=blkdebug,config={rules},image.driver=raw,image.file.driver=file,image.file.filename={disk}")
    with Console(qemu_command(bundle=make_bundle(conf, folder), extra=extra), 700) as console:
        for line in ("bad 1", "good 0", "full 1", "fine 0"):
            console.expect(f"^{line}")
        console.expect_exit(WELL)


def test_shadowed_disk_keeps_what_was_flushed_when_power_fails(folder):
    """Blocks are written one by one, each flushed before its number is printed; QEMU is killed between any two."""
    root = pathlib.Path(folder)
    disk = root / "disk.img"
    disk.write_bytes(bytes(32 << 20))
    commands = ("i=1; while true; do printf '%08d' $i | dd of=/dev/vda bs=4k seek=$i conv=fsync,notrunc 2> /dev/null && "
                "echo kept $i; i=$((i + 1)); done")
    conf = LINUX.format(name="linux", cmdline=f'ashlar.run="{commands}"', disk="serial:DATA")
    with Console(qemu_command(bundle=make_bundle(conf, folder), extra=drive(disk, "DATA")), 700) as console:
        console.expect("^kept 20\r?\n")
        console.process.kill()
        console.wait()
        kept = [int(number) for number in re.findall(r"^kept (\d+)\r?\n", console.output, re.MULTILINE)]
    content = disk.read_bytes()
    check(kept == list(range(1, len(kept) + 1)), f"numbers are missing: {kept}")
    for number in kept:
        check(content[4096 * number:4096 * number + 8] == b"%08d" % number, f"block {number} was flushed and is not there")


def test_guests_reset_with_requests_in_flight(folder):
    root = pathlib.Path(folder)
    disk = root / "disk.img"
    disk.write_bytes(bytes(32 << 20))
    # Behind a throttle requests take long: there are always some in flight.
    extra = drive(disk, "DATA", source=f"format=raw,file={disk},throttling.bps-total=4000000")
    conf = LINUX.format(name="linux", cmdline="", disk="serial:DATA")
    with Console(qemu_command(bundle=make_bundle(conf, folder), extra=extra), 700) as console:
        console.expect(PROMPT)
        console.send("for i in 1 2 3; do dd if=/dev/vda of=/dev/null bs=256k iflag=direct & "
                     "dd if=/dev/zero of=/dev/vda bs=256k oflag=direct & done 2> /dev/null; sleep 1; reboot -f\n")
        console.expect("Welcome to Linux")
        console.expect(PROMPT)
        console.command_line("dd if=/dev/vda of=/dev/null bs=4k count=4 iflag=direct 2> /dev/null; echo read $?", "^read 0")
        # Killed by its own power switch, again with requests in flight.
        console.send("for i in 1 2 3; do dd if=/dev/vda of=/dev/null bs=256k iflag=direct & done 2> /dev/null; sleep 1; poweroff -f\n")
        console.expect("ashlar: vm linux: powered off")
        console.expect_exit(WELL)
