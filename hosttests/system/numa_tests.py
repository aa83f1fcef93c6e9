"""Whole-system tests on machines with several NUMA nodes; system_tests.py takes them in."""
import pathlib
import shutil

from harness import BUILD, FAILED, WELL, Console, make_bundle, qemu_command

TWO_NODES = ["-smp", "4", "-object", "memory-backend-ram,id=m0,size=512M", "-object",
             "memory-backend-ram,id=m1,size=512M", "-numa", "node,nodeid=0,cpus=0-1,memdev=m0", "-numa",
             "node,nodeid=1,cpus=2-3,memdev=m1", "-numa", "dist,src=0,dst=1,val=21"]


def test_two_numa_nodes_are_seen(folder):
    with Console(qemu_command(extra=TWO_NODES), 120) as console:
        console.expect("4 cpus found")
        console.expect(r"node 0: \d+ MiB, \d+ MiB free, 2 cpus, distances 10 21")
        console.expect(r"node 1: \d+ MiB, \d+ MiB free, 2 cpus, distances 21 10")
        console.expect_exit(WELL)


def test_nodes_without_memory_or_cpus_and_memory_to_plug_in(folder):
    command = qemu_command(extra=["-smp", "2", "-object", "memory-backend-ram,id=m0,size=256M", "-object",
                                  "memory-backend-ram,id=m1,size=256M", "-numa", "node,nodeid=0,cpus=0", "-numa",
                                  "node,nodeid=1,memdev=m0", "-numa", "node,nodeid=2,cpus=1,memdev=m1", "-numa",
                                  "dist,src=0,dst=1,val=30", "-numa", "dist,src=0,dst=2,val=20", "-numa",
                                  "dist,src=1,dst=2,val=40"])
    command = [word if word != "1G" else "512M,slots=2,maxmem=1G" for word in command]
    with Console(command, 120) as console:
        console.expect(r"numa: memory may be plugged in at 0x\w+ to 0x\w+ of domain 2")
        console.expect(r"node 0: 0 MiB, 0 MiB free, 1 cpus, distances 10 30 20")
        console.expect(r"node 1: \d+ MiB, \d+ MiB free, 0 cpus, distances 30 10 40")
        console.expect(r"node 2: \d+ MiB, \d+ MiB free, 1 cpus, distances 20 40 10")
        console.expect_exit(WELL)


def test_memory_comes_from_the_nodes_of_each_policy(folder):
    root = pathlib.Path(folder) / "images"
    root.mkdir()
    shutil.copyfile(BUILD / "guests" / "hello.elf", root / "hello.elf")
    conf = """[vm here]
memory = 64M
kernel = hello.elf
[vm spread]
memory = 64M
kernel = hello.elf
policy = interleave 0-1
[vm there]
memory = 64M
kernel = hello.elf
node = 1
[vm weighted]
memory = 16M
private = 48M
kernel = hello.elf
policy = interleave 0:3,1
[vm more]
memory = 256M
kernel = hello.elf
policy = preferred 1
[vm bound]
memory = 64M
kernel = hello.elf
policy = bind 1
[vm nowhere]
memory = 64M
kernel = hello.elf
policy = bind 1-2
"""
    with Console(qemu_command(bundle=make_bundle(conf, folder, root), extra=TWO_NODES), 240) as console:
        console.expect("^ashlar: vm here: policy local, memory node 0 100.0 %, cpu 0 of node 0, mean distance 10.0")
        console.expect(r"^ashlar: vm spread: policy interleave, memory node 0 50\.\d %, node 1 49\.\d %, cpu 0 of node 0, "
                       r"mean distance 15\.")
        console.expect("^ashlar: vm there: policy local, memory node 1 100.0 %, cpu 0 of node 0, mean distance 21.0")
        console.expect(r"^ashlar: vm weighted: policy interleave, memory node 0 7\d\.\d %, node 1 2\d\.\d %")
        # Its node is full then: all but the rest came from there.
        console.expect(r"^ashlar: vm more: policy preferred, memory node 0 [1-9]\d\.\d %, node 1 [1-9]\d\.\d %")
        console.expect(r"^ashlar: ashlar\.conf:22: not enough memory: 1\d\d MiB are needed, 0 MiB are free on the nodes "
                       "it is bound to")
        console.expect("^ashlar: vm bound: not started")
        console.expect(r"^ashlar: ashlar\.conf:28: the machine has no NUMA node 2")
        console.expect("^ashlar: 5 VMs started, see above for what was not")
        console.expect_exit(FAILED)
