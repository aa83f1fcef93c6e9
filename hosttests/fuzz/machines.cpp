#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>

#include "hosttests/fuzz/image.h"
#include "hosttests/tier.h"
#include "jit/engine.h"

namespace ashlar::jit::fuzz {

namespace {

// More than a hundred times what an image of a thousand programs takes.
constexpr std::uint64_t kInstructionLimit = 4'000'000'000;

// The CLINT, as far as the harness needs it.
class Clint final : public MmioDevice {
public:
    Result<std::uint64_t> read(std::uint64_t, unsigned) override { return std::uint64_t{0}; }
    Status write(std::uint64_t, unsigned, std::uint64_t) override { return {}; }
};

class Uart final : public MmioDevice {
public:
    Result<std::uint64_t> read(std::uint64_t, unsigned) override { return std::uint64_t{0}; }
    Status write(std::uint64_t, unsigned, std::uint64_t value) override {
        text.push_back(static_cast<char>(value));
        return {};
    }
    std::string text;
};

class Finisher final : public MmioDevice {
public:
    Result<std::uint64_t> read(std::uint64_t, unsigned) override { return std::uint64_t{0}; }
    Status write(std::uint64_t, unsigned, std::uint64_t) override {
        finished = true;
        if (hart != nullptr)
            hart->kick();
        return {};
    }
    Hart* hart = nullptr;
    bool finished = false;
};

class StoppedTime final : public riscv64::TimeSource {
public:
    std::uint64_t time() override { return 0; }
};

// A file name that is gone with the object.
class TemporaryFile {
public:
    TemporaryFile() {
        const int file = mkstemp(name_);
        if (file >= 0)
            close(file);
    }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    ~TemporaryFile() { std::remove(name_); }
    std::string name() const { return name_; }

private:
    char name_[32] = "/tmp/ashlar-fuzz-XXXXXX";
};

} // namespace

std::string describe(const EngineSettings& settings) {
    return "--passes=" + std::to_string(settings.passes) + " --piece=" + std::to_string(settings.piece) +
           " --cache=" + std::to_string(settings.cache);
}

Output run_in_engine(std::span<const std::byte> image, const EngineSettings& settings) {
    std::vector<std::byte> ram(FUZZ_RAM_BYTES);
    std::vector<std::uint8_t> code_pages(FUZZ_RAM_BYTES >> kPageShift);
    GuestMemory memory(GuestPhysicalAddress(FUZZ_BASE), ram, code_pages.data());
    Bus bus;
    Clint clint;
    Uart uart;
    Finisher finisher;
    StoppedTime time;
    if (image.size() > ram.size() || !memory.write(GuestPhysicalAddress(FUZZ_BASE), image).ok() ||
        !bus.attach("clint", GuestPhysicalAddress(0x200'0000), 0x10000, clint).ok() ||
        !bus.attach("uart", GuestPhysicalAddress(0x1000'0000), 0x100, uart).ok() ||
        !bus.attach("finisher", GuestPhysicalAddress(0x10'0000), 0x1000, finisher).ok())
        return {"the machine could not be built", false, 0};
    static const test::TestTier tier;
    EngineOptions options;
    if (!settings.interprets)
        tier.apply(options);
    options.optimizer_passes = settings.passes;
    options.verify_ir = true;
    options.code_cache_bytes = settings.cache;
    MutableBytes& host_code = options.native_code.writable;
    host_code = host_code.first(std::min<std::size_t>(host_code.size(), settings.cache));
    Result<std::unique_ptr<Engine>> engine = Engine::create(memory, bus, time, options);
    if (!engine.ok())
        return {"the engine could not be built", false, 0};
    Hart& hart = engine.value()->hart(0);
    finisher.hart = &hart;
    riscv64::reset(hart.state(), 0, FUZZ_BASE, 0);
    hart.state_changed();
    while (!finisher.finished && hart.state().instret < kInstructionLimit)
        if (hart.run(settings.piece) == Stop::WaitForInterrupt)
            break;
    return {std::move(uart.text), finisher.finished, hart.state().instret};
}

Output run_in_qemu(std::span<const std::byte> image) {
    const TemporaryFile input, output;
    std::ofstream(input.name(), std::ios::binary)
        .write(reinterpret_cast<const char*>(image.data()), static_cast<std::streamsize>(image.size()));
    // Without what Ashlar's board lacks: the hypervisor extension, and instructions that would be illegal.
    const std::string command =
        "timeout 20 qemu-system-riscv64 -M virt -m 32M -nodefaults -display none -bios none"
        " -cpu rv64,h=false,zbc=false -no-reboot"
        " -device loader,force-raw=on,addr=0x80000000,file=" +
        input.name() + " -serial file:" + output.name() + " < /dev/null";
    const int status = std::system(command.c_str());
    std::ifstream file(output.name(), std::ios::binary);
    return {std::string{std::istreambuf_iterator<char>(file), {}}, status == 0, 0};
}

} // namespace ashlar::jit::fuzz
