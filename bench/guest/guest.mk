# Guest kernels: build/guest-bench/NAME.elf (rv64gc), NAME-zb.elf (with Zba, Zbb, Zbs), NAME.linux (static riscv64
# Linux program) and NAME.native (this machine). bench/guest/README.md says how to add one.
RISCV64_CC  ?= riscv64-linux-gnu-gcc
GUEST_DIR   := bench/guest
GUEST_BUILD := $(BUILD)/guest-bench
GUEST_NAMES := $(basename $(notdir $(wildcard $(GUEST_DIR)/kernels/*.c)))
# `traps` needs a machine of its own.
GUEST_USER_NAMES := $(filter-out traps,$(GUEST_NAMES))

# The contraction of a*b+c is off so that checksums are equal on hosts without a fused multiply-add.
GUEST_COMMON := -std=gnu11 -O2 -g -Wall -Wextra -Wshadow -Werror -ffp-contract=off -fno-math-errno -ffreestanding \
                -fno-tree-loop-distribute-patterns -fno-asynchronous-unwind-tables -I$(GUEST_DIR)/runtime
GUEST_FLAGS  := $(GUEST_COMMON) -mabi=lp64d -mcmodel=medany -fno-pic -fno-stack-protector -msmall-data-limit=0 -MMD -MP
GUEST_HEADERS := $(wildcard $(GUEST_DIR)/runtime/*.h $(GUEST_DIR)/kernels/*.h)
GUEST_RUNTIME := $(addprefix $(GUEST_DIR)/runtime/,start.S guest.c paging.c string.c)

# $(1): variant ("" or "-zb"), $(2): -march
define guest_variant
$$(GUEST_BUILD)/obj$(1)/%.o: $$(GUEST_DIR)/%
	@mkdir -p $$(@D) && echo "  RVCC    $$<"
	$$(Q)$$(RISCV64_CC) $$(GUEST_FLAGS) -march=$(2) -c $$< -o $$@
$$(GUEST_BUILD)/%$(1).elf: $$(GUEST_BUILD)/obj$(1)/kernels/%.c.o \
                         $$(GUEST_RUNTIME:$$(GUEST_DIR)/%=$$(GUEST_BUILD)/obj$(1)/%.o) $$(GUEST_DIR)/runtime/guest.ld
	@echo "  RVLD    $$@"
	$$(Q)$$(RISCV64_CC) -march=$(2) -mabi=lp64d -nostdlib -static -no-pie -Wl,--build-id=none \
	    -Wl,--no-warn-rwx-segments -Wl,-T,$$(GUEST_DIR)/runtime/guest.ld -o $$@ $$(filter %.o,$$^)
endef
$(eval $(call guest_variant,-zb,rv64gc_zba_zbb_zbs))
$(eval $(call guest_variant,,rv64gc))

$(GUEST_BUILD)/%.linux: $(GUEST_DIR)/kernels/%.c $(GUEST_DIR)/runtime/hosted.c $(GUEST_HEADERS)
	@mkdir -p $(@D) && echo "  RVCC    $@"
	$(Q)$(RISCV64_CC) $(GUEST_COMMON) -march=rv64gc -mabi=lp64d -static -o $@ $(filter %.c,$^)
$(GUEST_BUILD)/operations.linux: $(GUEST_DIR)/linux/operations.c
	@mkdir -p $(@D) && echo "  RVCC    $@"
	$(Q)$(RISCV64_CC) -std=gnu11 -O2 -g -Wall -Wextra -Wshadow -Werror -march=rv64gc -mabi=lp64d -static -pthread -o $@ $<
$(GUEST_BUILD)/%.native: $(GUEST_DIR)/kernels/%.c $(GUEST_DIR)/runtime/hosted.c $(GUEST_HEADERS)
	@mkdir -p $(@D) && echo "  CC      $@"
	$(Q)$(CC) $(GUEST_COMMON) -o $@ $(filter %.c,$^)

# Counts the instructions of host programs that an emulator runs: tools/count-instructions.
COUNT_PLUGIN := $(GUEST_BUILD)/count-instructions.so
$(COUNT_PLUGIN): bench/count/count_instructions.c
	@mkdir -p $(@D) && echo "  CC      $@"
	$(Q)$(CC) -std=gnu11 -O2 -Wall -Wextra -Wshadow -Werror -fPIC -shared -fvisibility=hidden -o $@ $<

.PHONY: guest-bench
guest-bench: $(foreach n,$(GUEST_NAMES),$(GUEST_BUILD)/$(n).elf $(GUEST_BUILD)/$(n)-zb.elf)
guest-bench: $(foreach n,$(GUEST_USER_NAMES),$(GUEST_BUILD)/$(n).linux $(GUEST_BUILD)/$(n).native)
guest-bench: $(GUEST_BUILD)/operations.linux $(COUNT_PLUGIN)
guest-bench: ## guest kernels of bench/guest, for riscv64 and this machine
.SECONDARY: $(foreach v,obj obj-zb,$(GUEST_NAMES:%=$(GUEST_BUILD)/$(v)/kernels/%.c.o) \
                               $(GUEST_RUNTIME:$(GUEST_DIR)/%=$(GUEST_BUILD)/$(v)/%.o))

.PHONY: compare
compare: ashlar-run guest-bench ## guest kernels on Ashlar, QEMU and natively: checksums, CPU seconds, ratios
	$(Q)tools/compare $(COMPARE_FLAGS)

.PHONY: compare-linux
compare-linux: $(BUILD)/setup.stamp ## what Linux's operations, commands and boot take on Ashlar and QEMU
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) ashlar-run $(GUEST_BUILD)/operations.linux
	$(Q)tools/compare-linux $(COMPARE_FLAGS)

# The benchmarks run these in-process.
$(HOST)/ashlar-bench: | $(foreach n,coremix dhry sha256,$(GUEST_BUILD)/$(n).elf)

# A test runs all of them under ashlar-run.
$(HOST)/tests/kernels: | guest-bench $(HOST)/ashlar-run
