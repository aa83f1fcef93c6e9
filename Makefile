# One entry for everything; `make help` lists the targets. Out-of-tree: build/<target>/.
MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:

ARCH    ?= x86_64
BUILD   := build
VERSION := 0.1.0
CXX     := g++
V       ?= 0
Q       := $(if $(filter 0,$(V)),@,)

# DEBUG=1: builds that check more, in folders of their own. The translator is always the same.
DEBUG   ?= 0
VARIANT     := $(if $(filter 1,$(DEBUG)),-debug)
DEBUG_FLAGS := $(if $(filter 1,$(DEBUG)),-DASHLAR_DEBUG)

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Werror
COMMON   := -std=c++20 $(WARNINGS) -g -O2 -MMD -MP -I. -DASHLAR_VERSION='"$(VERSION)"'
PRODUCT  := $(COMMON) -fno-exceptions -fno-rtti

# Where each program's sources live. Adding a file needs no edit here.
sources = $(sort $(shell find $(1) -name '*.cpp' $(foreach d,$(2),-not -path '$(d)/*') 2>/dev/null))
asm     = $(sort $(shell find $(1) -name '*.S' $(foreach d,$(2),-not -path '$(d)/*') 2>/dev/null))

.PHONY: all help
all: x86_64 aarch64 ashlar-run ## everything but the tests

help: ## this list
	@grep -hE '^[a-z0-9_-]+:.*## ' $(MAKEFILE_LIST) | sort | sed -E 's/^([a-z0-9_-]+):.*## (.*)/  make \1\t\2/' | expand -t 24

# ---------------------------------------------------------------- hosted: library, ashlar-run, tests, benchmarks
HOST        := $(BUILD)/host$(VARIANT)
HOST_FLAGS  := $(PRODUCT) $(DEBUG_FLAGS) -Iarch/fake/include
RUN_SRC     := jit/hosted/main.cpp
HOST_SRC    := $(filter-out $(RUN_SRC),$(call sources,lib kernel drivers jit arch/fake,lib/freestanding))
HOST_LIB    := $(HOST)/libashlar.a
TEST_FLAGS  := $(COMMON) $(DEBUG_FLAGS) -Iarch/fake/include
TEST_DIRS   := $(sort $(filter-out system guests,$(notdir $(patsubst %/,%,$(wildcard hosttests/*/)))))
THREAD_TESTS := $(filter %_threads,$(TEST_DIRS))
TEST_BINS   := $(TEST_DIRS:%=$(HOST)/tests/%)
BENCH_SRC   := $(wildcard bench/*.cpp)

obj = $(patsubst %,$(1)/obj/%.o,$(2))

$(HOST)/obj/hosttests/%.o: hosttests/% ; @mkdir -p $(@D) && echo "  CXX     $<"
	$(Q)$(CXX) $(TEST_FLAGS) -c $< -o $@
$(HOST)/obj/bench/%.o: bench/% ; @mkdir -p $(@D) && echo "  CXX     $<"
	$(Q)$(CXX) $(TEST_FLAGS) -c $< -o $@
$(HOST)/obj/%.o: % ; @mkdir -p $(@D) && echo "  CXX     $<"
	$(Q)$(CXX) $(HOST_FLAGS) -c $< -o $@

$(HOST_LIB): $(call obj,$(HOST),$(HOST_SRC)) ; @echo "  AR      $@"
	$(Q)rm -f $@ && ar rcs $@ $^

# Within the program, so that it runs on machines without these libraries.
HOSTED_LIBS := -Wl,-Bstatic -lcapstone -luring -Wl,-Bdynamic

.PHONY: ashlar-run
ashlar-run: $(HOST)/ashlar-run ## the engine as a Linux program
$(HOST)/ashlar-run: $(call obj,$(HOST),$(RUN_SRC)) $(HOST_LIB) ; @echo "  LD      $@"
	$(Q)$(CXX) -o $@ $^ $(HOSTED_LIBS) -pthread

# Libraries that a test needs.
TEST_LIBS_hosted := $(HOSTED_LIBS)
# Parts of an architecture that a test compiles for itself.
TEST_ARCH_svm := $(addprefix arch/x86_64/svm/,cpuid_filter.cpp exits.cpp nested_paging.cpp virtual_cpu.cpp)
TEST_ARCH_tlb_replay := bench/tlb_replay/model.cpp
TEST_ARCH_aarch64 := arch/aarch64/el2/id_registers.cpp
TEST_ARCH_boot := $(addprefix arch/x86_64/boot/,boot_protocol.cpp numa.cpp)

.PHONY: host-tests
host-tests: $(TEST_BINS)
define test_binary
$(HOST)/tests/$(1): $(call obj,$(HOST),$(call sources,hosttests/$(1)) $(TEST_ARCH_$(1))) $(HOST_LIB) ; @mkdir -p $$(@D) && echo "  LD      $$@"
	$(Q)$(CXX) -o $$@ $$^ $(TEST_LIBS_$(1)) -lgtest_main -lgtest -pthread
endef
$(foreach t,$(filter-out $(THREAD_TESTS),$(TEST_DIRS)),$(eval $(call test_binary,$(t))))

# Compiled once more, with all that they use, for ThreadSanitizer.
TSAN        := $(HOST)/tsan
TSAN_LIB    := $(TSAN)/libashlar.a
$(TSAN)/obj/%.o: % ; @mkdir -p $(@D) && echo "  CXX     $< (threads)"
	$(Q)$(CXX) $(TEST_FLAGS) -fsanitize=thread -c $< -o $@
$(TSAN_LIB): $(call obj,$(TSAN),$(call sources,lib kernel arch/fake jit/mmu,lib/freestanding) jit/guest_memory.cpp jit/bus.cpp) ; @echo "  AR      $@"
	$(Q)rm -f $@ && ar rcs $@ $^
define thread_test_binary
$(HOST)/tests/$(1): $(call obj,$(TSAN),$(call sources,hosttests/$(1))) $(TSAN_LIB) ; @mkdir -p $$(@D) && echo "  LD      $$@"
	$(Q)$(CXX) -fsanitize=thread -o $$@ $$^ -lgtest_main -lgtest -pthread
endef
$(foreach t,$(THREAD_TESTS),$(eval $(call thread_test_binary,$(t))))

# It runs the program, too.
$(HOST)/tests/hosted: | $(HOST)/ashlar-run

# What the test of floating point compares with: a riscv64 program for qemu-riscv64.
$(HOST)/tests/fp: | $(HOST)/tests/fp-oracle
$(HOST)/tests/fp-oracle: hosttests/fp/oracle.riscv64.c hosttests/fp/oracle.h ; @mkdir -p $(@D) && echo "  RISCV   $<"
	$(Q)riscv64-linux-gnu-gcc -std=gnu11 -Wall -Wextra -O1 -static -o $@ $<

# Guest programs that check the privileged architecture from within.
MODES_GUESTS := $(patsubst hosttests/modes/guest/%.S,$(HOST)/tests/modes-guests/%.bin,$(wildcard hosttests/modes/guest/*.S))
.SECONDARY: $(MODES_GUESTS:.bin=.elf)
$(HOST)/tests/modes: | $(MODES_GUESTS)
$(HOST)/tests/modes-guests/%.elf: hosttests/modes/guest/%.S hosttests/modes/guest/guest.h hosttests/modes/guest/guest.ld
	@mkdir -p $(@D) && echo "  RISCV   $<"
	$(Q)riscv64-linux-gnu-gcc -nostdlib -static -mcmodel=medany -march=rv64gc -Wl,--no-relax,--build-id=none \
	    -Wl,--no-warn-rwx-segments -T hosttests/modes/guest/guest.ld -o $@ $<
$(HOST)/tests/modes-guests/%.bin: $(HOST)/tests/modes-guests/%.elf
	$(Q)riscv64-linux-gnu-objcopy -O binary $< $@

# What binutils say about encodings: files for the decoder's test.
$(HOST)/tests/decoder: | $(HOST)/tests/decoder-data/words.txt
$(HOST)/tests/decoder-data/words.txt: hosttests/decoder/generate.py ; @echo "  GEN     $(@D)"
	$(Q)python3 $< $(@D)

# What runs random programs within the guest.
FUZZ_HARNESS := $(wildcard hosttests/fuzz/guest/*) hosttests/fuzz/case_layout.h
$(HOST)/tests/fuzz: | $(HOST)/tests/fuzz-harness.bin
$(HOST)/tests/fuzz-harness.bin: $(FUZZ_HARNESS) ; @mkdir -p $(@D) && echo "  RISCV   $@"
	$(Q)riscv64-linux-gnu-gcc -std=gnu11 -Wall -Wextra -Werror -O2 -march=rv64imac_zicsr_zifencei -mabi=lp64 -ffreestanding \
	    -fno-tree-loop-distribute-patterns -mcmodel=medany -msmall-data-limit=0 -fno-pic -I. \
	    -c hosttests/fuzz/guest/harness.c -o $(@:.bin=.c.o)
	$(Q)riscv64-linux-gnu-gcc -march=rv64gc -mabi=lp64 -c hosttests/fuzz/guest/start.S -o $(@:.bin=.S.o)
	$(Q)riscv64-linux-gnu-ld -melf64lriscv --no-warn-rwx-segments -T hosttests/fuzz/guest/harness.ld \
	    -o $(@:.bin=.elf) $(@:.bin=.S.o) $(@:.bin=.c.o)
	$(Q)riscv64-linux-gnu-objcopy -O binary $(@:.bin=.elf) $@

# Loops whose host code is counted.
$(HOST)/tests/codegen: | $(HOST)/tests/codegen-snippets.bin
$(HOST)/tests/codegen-snippets.bin: $(wildcard hosttests/codegen/guest/*) ; @mkdir -p $(@D) && echo "  RISCV   $@"
	$(Q)riscv64-linux-gnu-gcc -nostdlib -static -march=rv64gc_zba_zbb_zbs -Wl,--build-id=none -Wl,--no-warn-rwx-segments \
	    -T hosttests/codegen/guest/snippets.ld -o $(@:.bin=.elf) hosttests/codegen/guest/snippets.S
	$(Q)riscv64-linux-gnu-objcopy -O binary $(@:.bin=.elf) $@

# Programs in the manner of the architecture tests; integer-high is one that lies elsewhere.
CONFORMANCE_GUESTS := $(patsubst hosttests/conformance/guest/%.S,$(HOST)/tests/conformance-guests/%.elf,\
                                 $(wildcard hosttests/conformance/guest/*.S)) $(HOST)/tests/conformance-guests/integer-high.elf
CONFORMANCE_LINK := riscv64-linux-gnu-gcc -nostdlib -static -mcmodel=medany -march=rv64gc_zba_zbb_zbs -Wl,--build-id=none \
                    -Wl,--no-warn-rwx-segments -T hosttests/conformance/guest/conformance.ld
$(HOST)/tests/conformance: | $(CONFORMANCE_GUESTS)
$(CONFORMANCE_GUESTS): $(wildcard hosttests/conformance/guest/conformance.*)
$(HOST)/tests/conformance-guests/integer-high.elf: hosttests/conformance/guest/integer.S
	@mkdir -p $(@D) && echo "  RISCV   $@"
	$(Q)$(CONFORMANCE_LINK) -Wl,--defsym=image_base=0x80345000 -o $@ $<
$(HOST)/tests/conformance-guests/%.elf: hosttests/conformance/guest/%.S
	@mkdir -p $(@D) && echo "  RISCV   $@"
	$(Q)$(CONFORMANCE_LINK) -o $@ $<

.PHONY: bench
bench: $(SETUP) ## benchmarks within one process: interpreter, guest memory, TLB, frames, page tables
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) $(HOST)/ashlar-bench guest-bench
	$(Q)$(HOST)/ashlar-bench $(BENCH_FLAGS)
$(HOST)/ashlar-bench: $(call obj,$(HOST),$(BENCH_SRC)) $(HOST_LIB) ; @echo "  LD      $@"
	$(Q)$(CXX) -o $@ $^ -lbenchmark_main -lbenchmark -pthread

# What guests do to the software TLB: recorded once, replayed through every policy.
TRACES := $(BUILD)/traces
.PHONY: tlb-replay memory-traces
tlb-replay: memory-traces $(HOST)/ashlar-tlb-replay ## hit rates of the software TLB's policies and sizes on recorded traces
	$(Q)$(HOST)/ashlar-tlb-replay $(TRACES)/*.trace
memory-traces: $(TRACES)/stamp
$(TRACES)/stamp: tools/memory-traces $(SETUP) $(GUEST_SOFTWARE)
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) ashlar-run guest-bench
	$(Q)tools/memory-traces --build $(BUILD) && touch $@
$(HOST)/ashlar-tlb-replay: $(call obj,$(HOST),$(wildcard bench/tlb_replay/*.cpp)) $(HOST_LIB) ; @echo "  LD      $@"
	$(Q)$(CXX) -o $@ $^ -pthread

# ---------------------------------------------------------------- freestanding: hypervisor and translator
FREESTANDING := $(PRODUCT) -ffreestanding -mno-red-zone -fno-stack-protector -fno-threadsafe-statics \
                -fno-tree-loop-distribute-patterns -fno-omit-frame-pointer -fcf-protection=none \
                -fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections -Iarch/$(ARCH)/include
include $(wildcard arch/*/*.mk)
include bench/guest/guest.mk
include kernel/guests/guests.mk
include hosttests/guests/guests.mk

# ---------------------------------------------------------------- everything else that users type
JOBS      := $(shell nproc)
SETUP     := $(BUILD)/setup.stamp
LINUX_CPIO := $(BUILD)/linux.cpio
MEMORY    ?= 2G
GUEST     ?= linux-disk
QEMU_x86_64  := qemu-system-x86_64 -M q35 -cpu max -m $(MEMORY) -nic none -display none -serial stdio \
                -device isa-debug-exit,iobase=0xf4,iosize=4 -no-reboot -kernel $(HYPERVISOR)
# Semihosting gives the exit code; for the debugger, so that nobody gets at the host's files by it.
QEMU_aarch64 := qemu-system-aarch64 -M virt,virtualization=on,gic-version=3 -cpu max -m $(MEMORY) -nic none -display none \
                -serial stdio -semihosting-config enable=on,target=gdb -no-reboot -kernel $(AARCH64)

.PHONY: setup run test check-all iso format format-check clean compile_commands.json
setup: ## Debian packages and guest software (done by the others when needed)
	$(Q)tools/need-python && tools/setup --build $(BUILD)
	$(Q)touch $(SETUP)
$(SETUP): tools/setup tools/make-initramfs tools/guest/init
	$(Q)tools/need-python && mkdir -p $(BUILD) && tools/setup --build $(BUILD) && touch $@

define linux_bundle
$(Q)sed 's/^kernel = .*/kernel = $(GUEST)/' docs/examples/linux.conf > $(BUILD)/linux.conf
	$(Q)tools/bundle -o $(LINUX_CPIO) --root $(BUILD)/guest $(BUILD)/linux.conf
endef

# The sub-make begins when the compilers are there.
run: $(SETUP) ## boot the hypervisor under QEMU with riscv64 Linux in a VM; GUEST=linux: the installer's kernel; ARCH=aarch64 refuses it so far
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) $(ARCH)
	$(linux_bundle)
	$(Q)tools/run-qemu $(QEMU_$(ARCH)) -initrd $(LINUX_CPIO)

test: $(SETUP) ## unit tests and whole-system tests
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) check-all
	$(Q)tools/check-layering
	$(Q)ASHLAR_BUILD=$(BUILD) tools/run-tests $(TESTS)
check-all: host-tests ashlar-run x86_64 x86_64-debug translator aarch64 guest-bench $(NATIVE_GUESTS) $(AARCH64_GUESTS) \
           $(EMBEDDED_GUEST)

# Kept until it is removed by hand: the archive's packages change every day.
GUEST_SOFTWARE := $(BUILD)/guest/software.img
.PHONY: guest-software check-software
guest-software: $(GUEST_SOFTWARE) ## a disk with riscv64 programs of Debian: openssl, gzip, xz, python, gcc, stress-ng
$(GUEST_SOFTWARE): ; $(Q)tools/need-python && tools/make-software-disk --build $(BUILD)
check-software: $(SETUP) $(GUEST_SOFTWARE) ## run them in Linux on ashlar-run and QEMU and compare; CHECK_FLAGS="--help"
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) ashlar-run
	$(Q)tools/check-software --guest $(BUILD)/guest $(CHECK_FLAGS)

iso: $(SETUP) ## build/ashlar.iso: GRUB for BIOS and UEFI, with the Linux bundle
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) x86_64
	$(linux_bundle)
	$(Q)tools/make-iso -o $(BUILD)/ashlar.iso $(LINUX_CPIO)

# Headers of assembler sources are not C++.
CODE = $(filter-out hosttests/guests/% %/guest/conformance.h %/guest/guest.h,$(shell git ls-files '*.h' '*.cpp' 2>/dev/null))
format: ## lay out the code
	$(Q)clang-format -i $(CODE)
format-check: ## fail when clang-format would change something
	$(Q)clang-format --dry-run -Werror $(CODE)
compile_commands.json: ## for editors and analysers
	$(Q)$(MAKE) --no-print-directory -n -B V=1 check-all | tools/compile-commands > $@
clean: ## remove what was built, keep what was fetched
	$(Q)rm -rf $(BUILD)/host $(BUILD)/host-debug $(BUILD)/x86_64 $(BUILD)/x86_64-debug $(BUILD)/aarch64 $(BUILD)/aarch64-debug \
	    $(BUILD)/guests $(BUILD)/guest-bench

DEPS = $(shell find $(HOST) $(BUILD)/x86_64 $(dir $(HYPERVISOR)) $(dir $(AARCH64)) $(BUILD)/guest-bench -type f -name '*.d' 2>/dev/null)
-include $(DEPS)
