# build/guests/NAME.elf: small programs for native VMs, most of them up to no good.
NATIVE_GUESTS := $(patsubst hosttests/guests/%.S,$(BUILD)/guests/%.elf,$(wildcard hosttests/guests/*.S))
$(NATIVE_GUESTS): $(BUILD)/guests/%.elf: hosttests/guests/%.S $(wildcard hosttests/guests/*.h) hosttests/guests/native.ld
	@mkdir -p $(@D) && echo "  AS      $@"
	$(Q)$(CXX) -I. -nostdlib -static -no-pie -Wl,--build-id=none,--no-warn-rwx-segments -Wl,-z,noexecstack -s \
	    -T hosttests/guests/native.ld -o $@ $<

# build/guests/aarch64/NAME.elf: their twins.
AARCH64_GUESTS := $(patsubst hosttests/guests/aarch64/%.S,$(BUILD)/guests/aarch64/%.elf,$(wildcard hosttests/guests/aarch64/*.S))
$(AARCH64_GUESTS): $(BUILD)/guests/aarch64/%.elf: hosttests/guests/aarch64/%.S $(wildcard hosttests/guests/aarch64/*.h) \
                   hosttests/guests/aarch64/native.ld
	@mkdir -p $(@D) && echo "  AS      $@"
	$(Q)$(AARCH64_CXX) -I. -nostdlib -static -no-pie -Wl,--build-id=none,--no-warn-rwx-segments -Wl,-z,noexecstack -s \
	    -T hosttests/guests/aarch64/native.ld -o $@ $<
