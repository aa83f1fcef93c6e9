# build/guests/hello.elf: the riscv64 guest that the hypervisor's image carries.
EMBEDDED_GUEST := $(BUILD)/guests/hello.elf
$(EMBEDDED_GUEST): $(wildcard kernel/guests/hello/*) ; @mkdir -p $(@D) && echo "  RISCV   $@"
	$(Q)riscv64-linux-gnu-gcc -std=gnu11 -Wall -Wextra -Werror -O2 -march=rv64gc -mabi=lp64d -mcmodel=medany \
	    -ffreestanding -fno-pic -no-pie -fno-stack-protector -nostdlib -static -Wl,--build-id=none,--no-warn-rwx-segments \
	    -s -T kernel/guests/hello/hello.ld -o $@ kernel/guests/hello/start.S kernel/guests/hello/hello.c
