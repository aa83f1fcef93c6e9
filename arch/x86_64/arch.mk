# build/x86_64/ashlar.elf: the hypervisor. Boots by PVH (QEMU -kernel) and multiboot2 (GRUB).
HYPERVISOR       := $(BUILD)/x86_64$(VARIANT)/ashlar.elf
HYPERVISOR_OBJ   := $(BUILD)/x86_64$(VARIANT)/obj
HYPERVISOR_SRC   := $(call sources,lib kernel drivers arch/x86_64,lib/freestanding/heap arch/x86_64/translator)
HYPERVISOR_ASM   := $(call asm,arch/x86_64,arch/x86_64/translator)
HYPERVISOR_OBJS  := $(patsubst %,$(HYPERVISOR_OBJ)/%.o,$(HYPERVISOR_SRC) $(HYPERVISOR_ASM))
HYPERVISOR_LD    := linker/ashlar-x86_64.ld
# No FPU state of the hypervisor's own: the VMs' stays in the registers while it works.
HYPERVISOR_FLAGS := $(subst -Iarch/$(ARCH)/include,-Iarch/x86_64/include,$(FREESTANDING)) \
                    -mgeneral-regs-only -mcmodel=kernel -fno-pic -fno-pie $(DEBUG_FLAGS)
HYPERVISOR_LINK  := $(CXX) -nostdlib -static -no-pie -Wl,--gc-sections,--build-id=none,--orphan-handling=error \
                    -Wl,-z,max-page-size=4096,-z,noexecstack,--fatal-warnings -T $(HYPERVISOR_LD)

$(HYPERVISOR_OBJ)/%.cpp.o: %.cpp ; @mkdir -p $(@D) && echo "  CXX     $< (hypervisor)"
	$(Q)$(CXX) $(HYPERVISOR_FLAGS) -c $< -o $@
$(HYPERVISOR_OBJ)/%.S.o: %.S ; @mkdir -p $(@D) && echo "  AS      $< (hypervisor)"
	$(Q)$(CXX) -MMD -MP -I. -DTRANSLATOR='"$(BUILD)/x86_64/translator.elf"' -DGUEST='"$(BUILD)/guests/hello.elf"' -g -c $< -o $@

$(HYPERVISOR_OBJ)/arch/x86_64/embedded.S.o: $(BUILD)/x86_64/translator.elf $(BUILD)/guests/hello.elf

# Linked twice: the first image tells the symbols' addresses, the second one carries their names for backtraces.
$(HYPERVISOR_OBJ)/symbols-none.S: ; @mkdir -p $(@D) && printf '.section .symbols,"a",@progbits\n' > $@
$(HYPERVISOR_OBJ)/%.elf.o: $(HYPERVISOR_OBJ)/%.S
	$(Q)$(CXX) -c $< -o $@
$(HYPERVISOR_OBJ)/first.elf: $(HYPERVISOR_OBJS) $(HYPERVISOR_OBJ)/symbols-none.elf.o $(HYPERVISOR_LD)
	$(Q)$(HYPERVISOR_LINK) -o $@ $(HYPERVISOR_OBJS) $(HYPERVISOR_OBJ)/symbols-none.elf.o
$(HYPERVISOR_OBJ)/symbols.S: $(HYPERVISOR_OBJ)/first.elf tools/symbol-table ; @echo "  SYMS    $@"
	$(Q)nm -nC --defined-only $< | python3 tools/symbol-table > $@
$(HYPERVISOR:.elf=.debug): $(HYPERVISOR_OBJ)/symbols.elf.o $(HYPERVISOR_OBJS) ; @echo "  LD      $@"
	$(Q)$(HYPERVISOR_LINK) -o $@ $(HYPERVISOR_OBJS) $<
$(HYPERVISOR): $(HYPERVISOR:.elf=.debug) ; @echo "  STRIP   $@"
	$(Q)objcopy --strip-all $< $@

.PHONY: x86_64 x86_64-debug
x86_64: $(HYPERVISOR) ## the hypervisor for x86_64; DEBUG=1: a build that checks every frame
# After the other, with which it shares the translator.
x86_64-debug: x86_64
	$(Q)$(MAKE) --no-print-directory DEBUG=1 x86_64
