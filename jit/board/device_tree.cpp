#include "jit/board/device_tree.h"

#include "jit/board/plic.h"
#include "jit/frontend/riscv64/state.h"
#include "lib/fdt_writer.h"
#include "lib/format.h"

namespace ashlar::jit::board {
namespace {

constexpr std::uint32_t kPlicHandle = 1, kFinisherHandle = 2, kFirstCpuHandle = 0x10;
constexpr std::uint32_t cpu_handle(unsigned hart) {
    return kFirstCpuHandle + 2 * hart;
}
constexpr std::uint32_t intc_handle(unsigned hart) {
    return cpu_handle(hart) + 1;
}

constexpr std::uint32_t kUartClockHz = 3'686'400;
constexpr std::uint32_t high(std::uint64_t value) {
    return static_cast<std::uint32_t>(value >> 32);
}
constexpr std::uint32_t low(std::uint64_t value) {
    return static_cast<std::uint32_t>(value);
}

// Interrupt numbers of the hart-local controller: bit positions in mip.
constexpr std::uint32_t kMachineSoftware = 3, kMachineTimer = 7, kSupervisorExternal = 9,
                        kMachineExternal = 11;

class Builder {
public:
    Builder(MutableBytes buffer, const DeviceTreeConfig& config) : writer_(buffer), config_(config) {}
    Result<Bytes> build();

private:
    template <class... Arguments>
    void begin(FormatString<Arguments...> name, const Arguments&... arguments) {
        BufferSink<40> text;
        format(text, name, arguments...);
        writer_.begin_node(text.view());
    }
    void end() { writer_.end_node(); }
    void reg(const Window& window) {
        const std::uint64_t base = window.base.value();
        writer_.cells("reg", {high(base), low(base), high(window.size), low(window.size)});
    }
    void interrupt(unsigned source) {
        writer_.cell("interrupt-parent", kPlicHandle);
        writer_.cell("interrupts", source);
    }
    // The interrupts-extended list that connects a controller to two inputs of every hart.
    void connect_harts(std::uint32_t first, std::uint32_t second);
    void syscon(const char* name, const char* compatible, std::uint32_t value);
    void chosen();
    void memory();
    void cpus();
    void cpu(unsigned hart);
    void soc();
    void pcie();

    fdt::Writer writer_;
    const DeviceTreeConfig& config_;
};

void Builder::connect_harts(std::uint32_t first, std::uint32_t second) {
    std::array<std::uint32_t, 4 * kMaxHarts> cells;
    for (unsigned hart = 0; hart < config_.harts; ++hart) {
        cells[4 * hart] = cells[4 * hart + 2] = intc_handle(hart);
        cells[4 * hart + 1] = first;
        cells[4 * hart + 3] = second;
    }
    writer_.cells("interrupts-extended", std::span(cells).first(4 * config_.harts));
}

void Builder::chosen() {
    writer_.begin_node("chosen");
    writer_.string("stdout-path", "/soc/serial@10000000");
    if (!config_.command_line.empty())
        writer_.string("bootargs", config_.command_line);
    if (config_.initrd.size != 0) {
        writer_.cell64("linux,initrd-start", config_.initrd.base.value());
        writer_.cell64("linux,initrd-end", config_.initrd.base.value() + config_.initrd.size);
    }
    if (!config_.random_seed.empty())
        writer_.property("rng-seed", config_.random_seed);
    end();
}

void Builder::memory() {
    begin("memory@{:x}", kRamBase.value());
    writer_.string("device_type", "memory");
    reg({kRamBase, config_.ram_size});
    end();
}

void Builder::cpu(unsigned hart) {
    begin("cpu@{:x}", hart);
    writer_.cell("phandle", cpu_handle(hart));
    writer_.string("device_type", "cpu");
    writer_.cell("reg", hart);
    writer_.string("status", "okay");
    writer_.string("compatible", "riscv");
    // The same statement for old and for new kernels.
    writer_.string("riscv,isa", "rv64imafdc_zicntr_zicsr_zifencei_zba_zbb_zbs_sstc");
    writer_.string("riscv,isa-base", "rv64i");
    writer_.strings("riscv,isa-extensions", {"i", "m", "a", "f", "d", "c", "zicntr", "zicsr", "zifencei",
                                             "zba", "zbb", "zbs", "sstc"});
    writer_.string("mmu-type", "riscv,sv39");
    writer_.begin_node("interrupt-controller");
    writer_.cell("#interrupt-cells", 1);
    writer_.empty("interrupt-controller");
    writer_.string("compatible", "riscv,cpu-intc");
    writer_.cell("phandle", intc_handle(hart));
    end();
    end();
}

void Builder::cpus() {
    writer_.begin_node("cpus");
    writer_.cell("#address-cells", 1);
    writer_.cell("#size-cells", 0);
    writer_.cell("timebase-frequency", kTimebaseHz);
    for (unsigned hart = 0; hart < config_.harts; ++hart)
        cpu(hart);
    writer_.begin_node("cpu-map");
    writer_.begin_node("cluster0");
    for (unsigned hart = 0; hart < config_.harts; ++hart) {
        begin("core{}", hart);
        writer_.cell("cpu", cpu_handle(hart));
        end();
    }
    end();
    end();
    end();
}

void Builder::syscon(const char* name, const char* compatible, std::uint32_t value) {
    writer_.begin_node(name);
    writer_.cell("value", value);
    writer_.cell("offset", 0);
    writer_.cell("regmap", kFinisherHandle);
    writer_.string("compatible", compatible);
    end();
}

// Pins INTA..INTD of device d are wired to sources that rotate with d.
void Builder::pcie() {
    begin("pci@{:x}", kPcieEcam.base.value());
    writer_.string("compatible", "pci-host-ecam-generic");
    writer_.string("device_type", "pci");
    writer_.cell("#address-cells", 3);
    writer_.cell("#size-cells", 2);
    writer_.cell("#interrupt-cells", 1);
    writer_.cell("linux,pci-domain", 0);
    writer_.cells("bus-range", {0, 0xff});
    writer_.empty("dma-coherent");
    reg(kPcieEcam);
    constexpr std::uint32_t io_space = 0x100'0000, memory_space = 0x200'0000;
    writer_.cells("ranges", {io_space, 0, 0, 0, low(kPcieIo.base.value()), 0, low(kPcieIo.size), memory_space,
                             0, low(kPcieMemory.base.value()), 0, low(kPcieMemory.base.value()), 0,
                             low(kPcieMemory.size)});
    std::array<std::uint32_t, 4 * 4 * 6> map;
    std::size_t at = 0;
    for (std::uint32_t device = 0; device < 4; ++device)
        for (std::uint32_t pin = 0; pin < 4; ++pin)
            for (const std::uint32_t cell :
                 {device << 11, 0u, 0u, pin + 1, kPlicHandle, kPcieIrq + (device + pin) % 4})
                map[at++] = cell;
    writer_.cells("interrupt-map", map);
    writer_.cells("interrupt-map-mask", {0x1800, 0, 0, 7});
    end();
}

void Builder::soc() {
    writer_.begin_node("soc");
    writer_.cell("#address-cells", 2);
    writer_.cell("#size-cells", 2);
    writer_.string("compatible", "simple-bus");
    writer_.empty("ranges");

    begin("rtc@{:x}", kRtc.base.value());
    writer_.string("compatible", "google,goldfish-rtc");
    reg(kRtc);
    interrupt(kRtcIrq);
    end();

    begin("serial@{:x}", kUart.base.value());
    writer_.string("compatible", "ns16550a");
    writer_.cell("clock-frequency", kUartClockHz);
    reg(kUart);
    interrupt(kUartIrq);
    end();

    begin("test@{:x}", kTestFinisher.base.value());
    writer_.cell("phandle", kFinisherHandle);
    writer_.strings("compatible", {"sifive,test1", "sifive,test0", "syscon"});
    reg(kTestFinisher);
    end();

    pcie();

    for (unsigned slot = 0; slot < kVirtioSlots; ++slot) {
        const Window window{kVirtio.base + slot * kVirtio.size, kVirtio.size};
        begin("virtio_mmio@{:x}", window.base.value());
        writer_.string("compatible", "virtio,mmio");
        reg(window);
        interrupt(kVirtioIrq + slot);
        end();
    }

    begin("plic@{:x}", kPlic.base.value());
    writer_.cell("phandle", kPlicHandle);
    writer_.strings("compatible", {"sifive,plic-1.0.0", "riscv,plic0"});
    writer_.empty("interrupt-controller");
    writer_.cell("#address-cells", 0);
    writer_.cell("#interrupt-cells", 1);
    writer_.cell("riscv,ndev", Plic::kSources - 1);
    connect_harts(kMachineExternal, kSupervisorExternal);
    reg(kPlic);
    end();

    begin("clint@{:x}", kClint.base.value());
    writer_.strings("compatible", {"sifive,clint0", "riscv,clint0"});
    connect_harts(kMachineSoftware, kMachineTimer);
    reg(kClint);
    end();

    end();
}

Result<Bytes> Builder::build() {
    writer_.begin_node("");
    writer_.cell("#address-cells", 2);
    writer_.cell("#size-cells", 2);
    writer_.string("compatible", "riscv-virtio");
    writer_.string("model", "riscv-virtio,ashlar");
    chosen();
    memory();
    cpus();
    syscon("poweroff", "syscon-poweroff", 0x5555);
    syscon("reboot", "syscon-reboot", 0x7777);
    soc();
    end();
    return writer_.finish();
}

} // namespace

Result<Bytes> write_device_tree(MutableBytes buffer, const DeviceTreeConfig& config) {
    if (config.harts == 0 || config.harts > kMaxHarts)
        return Error::InvalidArgument;
    return Builder(buffer, config).build();
}

} // namespace ashlar::jit::board
