"""Whole-system tests on machines with an IOMMU; system_tests.py takes them in."""
import os
import pathlib
import shutil

from harness import BUILD, WELL, Console, make_bundle, qemu_command

IOMMU = ["-device", "intel-iommu,intremap=on"]
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
