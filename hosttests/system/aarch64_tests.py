"""Whole-system tests of the hypervisor on aarch64; system_tests.py takes them in."""
import pathlib
import shutil

from console_checks import check_console_of_two_vms
from harness import BUILD, FAILED, WELL, Console, aarch64_command, check, make_bundle
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
            console.expect(r"^ashlar: virt        EL2, stage 2, 255 VM identifiers, 4 list registers")
            console.expect("^ashlar: riscv64 VMs need a translator, which there is not for this host")
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


# Programs of hosttests/guests/aarch64, and what the hypervisor says when it stops them; None: they find all well. Without
# twins on the other host: a triple fault (at EL1, an exception that finds no vector is taken again for ever, between which
# others run) and I/O ports.
NATIVE_PROGRAMS = {"outside-memory": "read of 0x7000000000", "walk-outside": "by its page tables",
                   "write-image": "write of 0x5000000000", "run-image": "instruction fetch of 0x5000000000",
                   "bad-device": "write of 0x9000000", "halt-for-ever": "halted with interrupts off",
                   "crash": "gave up: out of luck", "bad-hypercalls": None, "forbidden": None, "own-state": None,
                   "own-state-too": None, "endless-loop": None}


def make_native_bundle(folder, programs, extra=""):
    root = pathlib.Path(folder) / "images"
    root.mkdir(exist_ok=True)
    conf = extra
    for name in programs:
        shutil.copyfile(BUILD / "guests" / "aarch64" / f"{name.removesuffix('-too')}.elf", root / f"{name}.elf")
        conf += f"[vm {name}]\nkind = native\nmemory = 2M\nkernel = {name}.elf\ncmdline = an image\n"
        if name == "native-hello":
            (root / "disk.img").write_bytes(b"from sector number 0".ljust(512, b".") + bytes(512))
            conf += "disk = disk.img\ndisk = disk.img, readonly\n"
    return make_bundle(conf, folder, root)


def test_aarch64_a_native_vm_says_hello_and_uses_its_disks(folder):
    bundle = make_native_bundle(folder, ["native-hello"])
    for cpu in CPUS:
        with Console(aarch64_command(cpu=cpu, bundle=bundle), 60) as console:
            console.expect("^ashlar: vm native-hello: native, 2 MiB, 1 vcpu, 2 disks")
            console.expect("^Hello from a native VM\\.$")
            console.expect("^from sector number 0")
            console.expect("^ashlar: vm native-hello: powered off")
            console.expect_exit(WELL)


def test_aarch64_each_kind_of_misbehaviour_stops_one_vm(folder):
    bundle = make_native_bundle(folder, NATIVE_PROGRAMS)
    for cpu in CPUS:
        with Console(aarch64_command(cpu=cpu, bundle=bundle), 180) as console:
            code = console.wait()
            output = console.output
        check(f"ashlar: {len(NATIVE_PROGRAMS)} VMs started" in output, "not all VMs were started")
        for name, message in NATIVE_PROGRAMS.items():
            stopped = next((l for l in output.splitlines() if f"ashlar: vm {name}: stopped" in l), "")
            if message is None:
                check(f"ashlar: vm {name}: powered off" in output, f"{name} did not end well: {stopped}")
            else:
                check(message in stopped, f"{name}: {message!r} is not in {stopped!r}")
        check("\nashlar: vm neighbour" not in output, "the message of a crashing VM passed for one of the hypervisor's")
        check(code == FAILED, f"exit code {code}")


def test_aarch64_the_console_is_switched_between_vms(folder):
    check_console_of_two_vms(folder, BUILD / "guests" / "aarch64" / "echo.elf", aarch64_command)


def test_aarch64_memory_comes_from_the_nodes_of_each_policy(folder):
    conf = "".join(f"[vm {name}]\nkind = native\nmemory = 64M\nkernel = endless-loop.elf\n{rest}\n" for name, rest in
                   (("here", ""), ("spread", "policy = interleave 0-1"), ("there", "node = 1"), ("bound", "policy = bind 1")))
    bundle = make_native_bundle(folder, ["endless-loop"], conf)
    with Console(aarch64_command(bundle=bundle, extra=TWO_NODES), 120) as console:
        console.expect("^ashlar: vm here: policy local, memory node 0 100.0 %, cpu 0 of node 0, mean distance 10.0")
        console.expect(r"^ashlar: vm spread: policy interleave, memory node 0 \d\d\.\d %, node 1 \d\d\.\d %")
        console.expect("^ashlar: vm there: policy local, memory node 1 100.0 %, cpu 0 of node 0, mean distance 21.0")
        console.expect("^ashlar: vm bound: policy bind, memory node 1 100.0 %")
        console.expect_exit(WELL)


def test_aarch64_riscv64_vms_are_refused_and_their_neighbours_run(folder):
    root = pathlib.Path(folder) / "images"
    root.mkdir()
    shutil.copyfile(BUILD / "guests" / "hello.elf", root / "hello.elf")
    bundle = make_native_bundle(folder, ["native-hello"], "[vm foreign]\nmemory = 64M\nkernel = hello.elf\n")
    with Console(aarch64_command(bundle=bundle), 60) as console:
        console.expect(r"^ashlar: ashlar\.conf:1: riscv64 VMs need a translator, which there is not for this host")
        console.expect("^ashlar: vm foreign: not started")
        console.expect("^ashlar: vm native-hello: powered off")
        console.expect_exit(FAILED)
