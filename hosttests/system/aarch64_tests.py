"""Whole-system tests of the hypervisor on aarch64; system_tests.py takes them in."""
from harness import FAILED, Console, aarch64_command
from numa_tests import TWO_NODES

CPUS = ("max", "cortex-a72")  # with and without the virtualization host extensions


def test_aarch64_boots(folder):
    for cpu in CPUS:
        with Console(aarch64_command(cpu=cpu, append="some words"), 60) as console:
            console.expect(r"^ashlar: W\^X: ok, \d+ pages checked")
            console.expect(r"^ashlar: Ashlar \S+ aarch64, 1 cpu found, 1 in use, \d+ MHz counter")
            console.expect('^ashlar: boot        Linux Image, device tree, command line "some words"')
            console.expect("^ashlar: memory      0x000040000000 to 0x000080000000 usable")
            console.expect(r"^ashlar: numa        node 0: 1\d+ MiB")
            console.expect_exit(FAILED)


def test_aarch64_below_el2_or_without_gicv3_is_refused_with_a_message(folder):
    for machine, message in (("gic-version=3", "entered at EL1, but a hypervisor runs at EL2"),
                             ("virtualization=on", "this machine has no GICv3")):
        with Console(aarch64_command(machine=machine), 60) as console:
            console.expect(message)
            console.wait()


def test_aarch64_two_numa_nodes_are_seen(folder):
    with Console(aarch64_command(extra=TWO_NODES), 60) as console:
        console.expect("4 cpus found")
        console.expect(r"node 0: \d+ MiB, \d+ MiB free, 2 cpus, distances 10 21")
        console.expect(r"node 1: \d+ MiB, \d+ MiB free, 2 cpus, distances 21 10")
        console.expect_exit(FAILED)


def test_aarch64_exceptions_of_the_hypervisor_are_reported(folder):
    for name, patterns in {"page-fault": ("data abort", "far 0x0000000012345678", "read_from_nowhere", " start"),
                           "stack-overflow": ("data abort", "stack overflow", "overflow_the_stack"),
                           "write-to-code": ("data abort", "write_to_code"),
                           "invalid-opcode": ("BRK", "run_selftest"),
                           "assertion": ("assertion failed", "run_selftest")}.items():
        with Console(aarch64_command(append=f"selftest={name}"), 60) as console:
            for pattern in patterns:
                console.expect(pattern)
            console.expect_exit(FAILED)


def test_aarch64_a_cpu_can_be_kicked(folder):
    with Console(aarch64_command(append="selftest=kick"), 60) as console:
        console.expect("ashlar: selftest: was kicked")
        console.expect("ashlar: Ashlar")
        console.expect_exit(FAILED)
