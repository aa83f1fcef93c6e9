# build/x86_64/translator.elf: what runs at ring 0 of a translated VM. The hypervisor's image embeds it.
TRANSLATOR       := $(BUILD)/x86_64/translator.elf
TRANSLATOR_OBJ   := $(BUILD)/x86_64/translator-obj
TRANSLATOR_SRC   := $(call sources,lib jit arch/x86_64/common arch/x86_64/translator,lib/freestanding/no_heap jit/hosted)
TRANSLATOR_ASM   := $(call asm,arch/x86_64/common arch/x86_64/translator)
TRANSLATOR_OBJS  := $(patsubst %,$(TRANSLATOR_OBJ)/%.o,$(TRANSLATOR_SRC) $(TRANSLATOR_ASM))
TRANSLATOR_LD    := linker/translator-x86_64.ld
# Position-independent, since it lies neither in the low nor in the top 2 GiB.
TRANSLATOR_FLAGS := $(subst -Iarch/$(ARCH)/include,-Iarch/x86_64/include,$(FREESTANDING)) -fPIE -fvisibility=hidden

$(TRANSLATOR_OBJ)/arch/x86_64/translator/interrupts.cpp.o: TRANSLATOR_FLAGS += -mgeneral-regs-only

$(TRANSLATOR_OBJ)/%.cpp.o: %.cpp ; @mkdir -p $(@D) && echo "  CXX     $< (translator)"
	$(Q)$(CXX) $(TRANSLATOR_FLAGS) -c $< -o $@
$(TRANSLATOR_OBJ)/%.S.o: %.S ; @mkdir -p $(@D) && echo "  AS      $< (translator)"
	$(Q)$(CXX) -MMD -MP -I. -g -c $< -o $@

# With symbols for debuggers and addr2line in .debug, without in what ships.
$(TRANSLATOR:.elf=.debug): $(TRANSLATOR_OBJS) $(TRANSLATOR_LD) ; @echo "  LD      $@"
	$(Q)$(CXX) -nostdlib -static -no-pie -Wl,--gc-sections,--build-id=none,--orphan-handling=error \
	    -Wl,-z,max-page-size=4096,-z,noexecstack,--fatal-warnings -T $(TRANSLATOR_LD) -o $@ $(TRANSLATOR_OBJS)
$(TRANSLATOR): $(TRANSLATOR:.elf=.debug) ; @echo "  STRIP   $@"
	$(Q)objcopy --strip-all $< $@

.PHONY: translator
translator: $(TRANSLATOR) ## the kernel that runs a foreign guest inside its VM

# The tests of the linked image need it when they run.
$(BUILD)/host/tests/image: | $(TRANSLATOR)
