// An AddressSpace made of page tables. NPT, EPT and stage 2 say only how their entries look.
#pragma once

#include <new>
#include <utility>

#include "kernel/address_space.h"
#include "kernel/memory_source.h"
#include "kernel/table_frames.h"
#include "lib/page_table.h"

namespace ashlar::kernel {

// What it needs of a Policy:
//   Format                                 of PageTable, from guest-physical to physical addresses
//   Frames                                 its Memory: TableFrames, or one made of it
//   largest_level()                        of leaves that the CPU understands
//   encode(Rights, MemoryType)             -> Result<Format::Rights>; Unsupported when the format has no such
//   rights with_rights(Format::Rights, Rights)    the former with the latter's rights, which encode() accepts
//   decode(Format::Rights)                 -> Rights
// Lives in frames of the memory that it is created with.
template <class Policy>
class SecondLevel final : public AddressSpace {
public:
    using Frames = typename Policy::Frames;
    using Table = PageTable<typename Policy::Format, Frames>;

    // `memory` outlives it.
    static Result<SecondLevel*> create(MemorySource& memory) {
        SecondLevel* const space = ASHLAR_TRY(create_in_frames<SecondLevel>(memory, memory));
        Result<Table> table = Table::create(space->frames_, Policy::largest_level());
        if (!table.ok()) {
            // The table was not made: there is none to destroy.
            memory.free(arch::virtual_to_physical(space), order_for(sizeof(SecondLevel)));
            return table.error();
        }
        ::new (space->storage_) Table(std::move(table).value());
        return space;
    }
    void destroy() { destroy_in_frames(memory_, this); }
    explicit SecondLevel(MemorySource& memory) : memory_(memory), frames_(memory) {}
    ~SecondLevel() { table().~Table(); }

    std::uint64_t size() const override { return std::uint64_t{1} << Policy::Format::kInputBits; }
    Status map(GuestPhysicalAddress from, PhysicalAddress to, std::uint64_t size, Rights rights,
               MemoryType type) override {
        return table().map(from, to, size, ASHLAR_TRY(Policy::encode(rights, type)));
    }
    Status unmap(GuestPhysicalAddress from, std::uint64_t size) override { return table().unmap(from, size); }
    Status protect(GuestPhysicalAddress from, std::uint64_t size, Rights rights) override {
        ASHLAR_TRY(Policy::encode(rights, MemoryType::WriteBack));
        return table().change(from, size, [&](const typename Policy::Format::Rights& now) {
            return Policy::with_rights(now, rights);
        });
    }
    Status split(GuestPhysicalAddress from, std::uint64_t size, std::uint64_t leaf_size) override {
        const unsigned level = Table::level_of(leaf_size);
        return level == 0 ? Status(Error::InvalidArgument) : table().split(from, size, level);
    }
    Status merge(GuestPhysicalAddress from, std::uint64_t size) override { return table().merge(from, size); }
    Status take_accessed(GuestPhysicalAddress from, std::uint64_t size, LeafVisitor& visitor) override {
        return table().take_accessed(from, size, visit_with(visitor));
    }
    Status take_dirty(GuestPhysicalAddress from, std::uint64_t size, LeafVisitor& visitor) override {
        return table().take_dirty(from, size, visit_with(visitor));
    }
    void for_each_leaf(LeafVisitor& visitor) const override {
        table().for_each_leaf([&visitor](std::uint64_t from, const typename Table::Mapping& mapping) {
            visitor.visit(GuestPhysicalAddress(from), mapping.leaf_size);
        });
    }
    Result<Mapping> translate(GuestPhysicalAddress address) const override {
        const typename Table::Mapping mapping = ASHLAR_TRY(table().translate(address));
        return Mapping{mapping.address, mapping.leaf_size, Policy::decode(mapping.rights), mapping.accessed,
                       mapping.dirty};
    }
    void begin_batch() override { table().begin_batch(); }
    void end_batch() override { table().end_batch(); }

    PhysicalAddress root() const { return table().root(); }
    Frames& frames() { return frames_; }
    Shootdown& shootdown() { return frames_.shootdown(); }

    // For CPUs that do not note uses themselves: an access has faulted that the rights allow, maybe for no
    // other reason. False when they do not allow it.
    bool note_use(GuestPhysicalAddress address, Rights use) {
        const Result<Mapping> mapping = translate(address);
        if (!mapping.ok())
            return false;
        const Rights& rights = mapping.value().rights;
        if ((use.read && !rights.read) || (use.write && !rights.write) || (use.execute && !rights.execute))
            return false;
        table().note_use(address, use.write);
        return true;
    }

private:
    static auto visit_with(LeafVisitor& visitor) {
        return [&visitor](std::uint64_t from, std::uint64_t size) {
            visitor.visit(GuestPhysicalAddress(from), size);
        };
    }
    Table& table() { return *std::launder(reinterpret_cast<Table*>(storage_)); }
    const Table& table() const { return *std::launder(reinterpret_cast<const Table*>(storage_)); }

    MemorySource& memory_;
    Frames frames_;
    alignas(Table) std::byte storage_[sizeof(Table)];
};

} // namespace ashlar::kernel
