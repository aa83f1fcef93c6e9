# build/aarch64/ashlar: the hypervisor for aarch64. Boots as a Linux Image (QEMU -kernel, U-Boot booti).
AARCH64          := $(BUILD)/aarch64$(VARIANT)/ashlar
AARCH64_OBJ      := $(BUILD)/aarch64$(VARIANT)/obj
AARCH64_CXX      := $(patsubst g++,aarch64-linux-gnu-g++,$(CXX))
AARCH64_SRC      := $(call sources,lib kernel drivers arch/aarch64,lib/freestanding/heap)
AARCH64_ASM      := $(call asm,arch/aarch64)
AARCH64_OBJS     := $(patsubst %,$(AARCH64_OBJ)/%.o,$(AARCH64_SRC) $(AARCH64_ASM))
AARCH64_LD       := linker/ashlar-aarch64.ld
# No FPU state of the hypervisor's own: the VMs' stays in the registers while it works. Atomics without LSE, which not
# every CPU has, and without libgcc's choice between them.
AARCH64_FLAGS    := $(PRODUCT) -ffreestanding -fno-stack-protector -fno-threadsafe-statics -fno-tree-loop-distribute-patterns \
                    -fno-omit-frame-pointer -mno-omit-leaf-frame-pointer -fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections \
                    -march=armv8-a -mgeneral-regs-only -mno-outline-atomics -mbranch-protection=none -fno-pic -fno-pie \
                    -Iarch/aarch64/include $(DEBUG_FLAGS)
AARCH64_LINK     := $(AARCH64_CXX) -nostdlib -static -no-pie -Wl,--gc-sections,--build-id=none,--orphan-handling=error \
                    -Wl,-z,max-page-size=4096,-z,noexecstack,--fatal-warnings -T $(AARCH64_LD)

$(AARCH64_OBJ)/%.cpp.o: %.cpp ; @mkdir -p $(@D) && echo "  CXX     $< (aarch64)"
	$(Q)$(AARCH64_CXX) $(AARCH64_FLAGS) -c $< -o $@
$(AARCH64_OBJ)/%.S.o: %.S ; @mkdir -p $(@D) && echo "  AS      $< (aarch64)"
	$(Q)$(AARCH64_CXX) -MMD -MP -I. -g -c $< -o $@

# Linked twice: the first image tells the symbols' addresses, the second one carries their names for backtraces.
$(AARCH64_OBJ)/symbols-none.S: ; @mkdir -p $(@D) && printf '.section .symbols,"a",@progbits\n' > $@
$(AARCH64_OBJ)/%.elf.o: $(AARCH64_OBJ)/%.S
	$(Q)$(AARCH64_CXX) -c $< -o $@
$(AARCH64_OBJ)/first.elf: $(AARCH64_OBJS) $(AARCH64_OBJ)/symbols-none.elf.o $(AARCH64_LD)
	$(Q)$(AARCH64_LINK) -o $@ $(AARCH64_OBJS) $(AARCH64_OBJ)/symbols-none.elf.o
$(AARCH64_OBJ)/symbols.S: $(AARCH64_OBJ)/first.elf tools/symbol-table ; @echo "  SYMS    $@"
	$(Q)aarch64-linux-gnu-nm -nC --defined-only $< | python3 tools/symbol-table > $@
$(AARCH64).debug: $(AARCH64_OBJ)/symbols.elf.o $(AARCH64_OBJS) ; @echo "  LD      $@"
	$(Q)$(AARCH64_LINK) -o $@ $(AARCH64_OBJS) $<
$(AARCH64): $(AARCH64).debug ; @echo "  IMAGE   $@"
	$(Q)aarch64-linux-gnu-objcopy -O binary $< $@

.PHONY: aarch64
aarch64: $(AARCH64) ## the hypervisor for aarch64
