# build/guests/NAME.elf: small programs for native VMs, most of them up to no good.
NATIVE_GUESTS := $(patsubst hosttests/guests/%.S,$(BUILD)/guests/%.elf,$(wildcard hosttests/guests/*.S))
$(NATIVE_GUESTS): $(BUILD)/guests/%.elf: hosttests/guests/%.S $(wildcard hosttests/guests/*.h) hosttests/guests/native.ld
	@mkdir -p $(@D) && echo "  AS      $@"
	$(Q)$(CXX) -I. -nostdlib -static -no-pie -Wl,--build-id=none,--no-warn-rwx-segments -Wl,-z,noexecstack -s \
	    -T hosttests/guests/native.ld -o $@ $<
