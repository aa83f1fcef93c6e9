// Stage 2 translation (Arm Architecture Reference Manual, section D8.2): from a VM's guest-physical addresses
// to physical ones.
#pragma once

#include "arch/aarch64/page_table_format.h"
#include "kernel/second_level.h"

namespace ashlar::arch::el2 {

struct Stage2Rights {
    bool read = false;
    bool write = false;
    bool execute = false;
    bool uncached = false; // Device-nGnRE
    constexpr bool operator==(const Stage2Rights&) const = default;
};

// What is written through is noted by us: the entry is not writable until the first write faults, since not
// every CPU can do it. kMayWrite and kDirty are bits that the manual leaves to software (58 to 55);
// Stage2Frames makes kWrite of both.
struct Stage2Format {
    using Input = GuestPhysicalAddress;
    using Output = PhysicalAddress;
    using Rights = Stage2Rights;
    static constexpr unsigned kLevels = 4;
    static constexpr unsigned kInputBits = 44;

    static constexpr std::uint64_t kWriteBack = 0xf << 2, kDevice = 1 << 2, kMemoryType = 0xf << 2;
    static constexpr std::uint64_t kRead = 1 << 6, kWrite = 1 << 7;
    static constexpr std::uint64_t kNoExecute = std::uint64_t{1} << 54;
    static constexpr std::uint64_t kMayWrite = std::uint64_t{1} << 55;
    static constexpr std::uint64_t kAccessed = descriptor::kAccessFlag, kDirty = std::uint64_t{1} << 56;

    static constexpr std::uint64_t leaf(Output address, unsigned level, const Rights& rights) {
        return descriptor::leaf(address.value(), level) | (rights.uncached ? kDevice : kWriteBack) |
               (rights.read ? kRead : 0) | (rights.write ? kMayWrite : 0) | (rights.execute ? 0 : kNoExecute);
    }
    static constexpr std::uint64_t table(Output address) {
        return address.value() | descriptor::kValid | descriptor::kTableOrPage;
    }
    static constexpr bool is_present(std::uint64_t entry) { return (entry & descriptor::kValid) != 0; }
    static constexpr bool is_leaf(std::uint64_t entry, unsigned level) {
        return descriptor::is_leaf(entry, level);
    }
    static constexpr Output table_address(std::uint64_t entry) {
        return Output(entry & descriptor::kAddress);
    }
    static constexpr Output address(std::uint64_t entry, unsigned level) {
        return Output(descriptor::address(entry, level));
    }
    static constexpr Rights rights(std::uint64_t entry) {
        return {.read = (entry & kRead) != 0,
                .write = (entry & kMayWrite) != 0,
                .execute = (entry & kNoExecute) == 0,
                .uncached = (entry & kMemoryType) == kDevice};
    }
    static constexpr bool is_canonical(Input address) { return address.value() >> kInputBits == 0; }

    // An entry as the CPU is to see it, and back.
    static constexpr std::uint64_t for_cpu(std::uint64_t entry) {
        constexpr std::uint64_t kBoth = kMayWrite | kDirty;
        return (entry & kBoth) == kBoth ? entry | kWrite : entry;
    }
    static constexpr std::uint64_t from_cpu(std::uint64_t entry) { return entry & ~kWrite; }
    // Whether one may take the other's place only after no CPU knows the former (section D8.14.1, break
    // before make): a block and a table.
    static constexpr bool needs_break(std::uint64_t before, std::uint64_t after) {
        return is_present(before) && is_present(after) && ((before ^ after) & descriptor::kTableOrPage) != 0;
    }
};

// Tables in the VM's frames, under a VMID of its own.
class Stage2Frames {
public:
    explicit Stage2Frames(kernel::MemorySource& memory) : frames_(memory) {}

    // What VTTBR_EL2 holds for the VM.
    void set_base(std::uint64_t vttbr) { vttbr_ = vttbr; }
    std::uint64_t base() const { return vttbr_; }

    Result<PhysicalAddress> allocate() { return frames_.allocate(); }
    void free(PhysicalAddress table) { frames_.free(table); }
    std::uint64_t load(PhysicalAddress table, unsigned index) const {
        return Stage2Format::from_cpu(frames_.load(table, index));
    }
    void store(PhysicalAddress table, unsigned index, std::uint64_t entry) {
        if (Stage2Format::needs_break(load(table, index), entry)) {
            frames_.store(table, index, 0);
            invalidate();
        }
        frames_.store(table, index, Stage2Format::for_cpu(entry));
    }
    bool compare_exchange(PhysicalAddress table, unsigned index, std::uint64_t& expected,
                          std::uint64_t entry) {
        const bool breaks = Stage2Format::needs_break(expected, entry);
        std::uint64_t now = Stage2Format::for_cpu(expected);
        const bool done =
            frames_.compare_exchange(table, index, now, breaks ? 0 : Stage2Format::for_cpu(entry));
        if (!done)
            expected = Stage2Format::from_cpu(now);
        if (done && breaks) {
            invalidate();
            frames_.store(table, index, Stage2Format::for_cpu(entry));
        }
        return done;
    }
    // On all CPUs; the hardware sees to that.
    void invalidate();

private:
    kernel::TableFrames frames_;
    std::uint64_t vttbr_ = 0;
};

struct Stage2Policy {
    using Format = Stage2Format;
    using Frames = Stage2Frames;

    static unsigned largest_level() { return 3; }
    static Result<Stage2Rights> encode(kernel::Rights rights, kernel::MemoryType type) {
        return Stage2Rights{.read = rights.read,
                            .write = rights.write,
                            .execute = rights.execute,
                            .uncached = type == kernel::MemoryType::Uncached};
    }
    static Stage2Rights with_rights(Stage2Rights now, kernel::Rights rights) {
        return {
            .read = rights.read, .write = rights.write, .execute = rights.execute, .uncached = now.uncached};
    }
    static kernel::Rights decode(Stage2Rights rights) {
        return {.read = rights.read, .write = rights.write, .execute = rights.execute};
    }
};
using Stage2 = kernel::SecondLevel<Stage2Policy>;

// Cleans what the VM can reach to the point of coherency and makes CPUs forget instructions of it: what we
// wrote through our caches is what it finds, even with its caches off.
void clean_memory(const Stage2& space);

} // namespace ashlar::arch::el2
