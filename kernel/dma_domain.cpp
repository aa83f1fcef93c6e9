#include "kernel/dma_domain.h"

#include "arch/pci.h"
#include "drivers/iommu/vtd_format.h"
#include "lib/page_table.h"
#include "lib/table_entries.h"

namespace ashlar::kernel {
namespace {

// Frames as tables that IOMMUs walk: a Memory of lib/page_table.h.
class DomainFrames {
public:
    DomainFrames(MemorySource& memory, DomainInvalidator& invalidator, bool coherent, std::uint16_t id)
        : memory_(memory), invalidator_(invalidator), coherent_(coherent), id_(id) {}

    Result<PhysicalAddress> allocate() {
        const PhysicalAddress table = ASHLAR_TRY(memory_.allocate_zeroed(0));
        write_back(entries(table), kPageSize);
        return table;
    }
    void free(PhysicalAddress table) {
        if (status_.ok()) // else somebody may still walk it
            memory_.free(table, 0);
    }
    std::uint64_t load(PhysicalAddress table, unsigned index) const {
        return load_entry(entries(table)[index]);
    }
    void store(PhysicalAddress table, unsigned index, std::uint64_t entry) {
        store_entry(entries(table)[index], entry);
        write_back(&entries(table)[index], sizeof entry);
    }
    bool compare_exchange(PhysicalAddress table, unsigned index, std::uint64_t& expected,
                          std::uint64_t entry) {
        const bool stored = compare_exchange_entry(entries(table)[index], expected, entry);
        write_back(&entries(table)[index], sizeof entry);
        return stored;
    }
    void invalidate() {
        if (const Status done = invalidator_.invalidate(id_); !done.ok())
            status_ = done;
    }
    Status status() const { return status_; }

private:
    static std::uint64_t* entries(PhysicalAddress table) {
        return static_cast<std::uint64_t*>(arch::physical_to_virtual(table));
    }
    void write_back(const void* at, std::size_t size) const {
        if (!coherent_)
            arch::write_back(at, size);
    }
    MemorySource& memory_;
    DomainInvalidator& invalidator_;
    bool coherent_;
    std::uint16_t id_;
    Status status_;
};

template <class Format>
class Domain final : public DmaDomain {
public:
    using Table = PageTable<Format, DomainFrames>;

    static Result<DmaDomain*> create(MemorySource& memory, DomainInvalidator& invalidator,
                                     const iommu::TableFeatures& features, bool caches_absent,
                                     std::uint16_t id) {
        Domain* const domain =
            ASHLAR_TRY(create_in_frames<Domain>(memory, memory, invalidator, features, caches_absent, id));
        Result<Table> table = Table::create(domain->frames_, features.largest_level);
        if (!table.ok()) {
            memory.free(arch::virtual_to_physical(domain), order_for(sizeof(Domain)));
            return table.error();
        }
        ::new (domain->storage_) Table(std::move(table).value());
        return static_cast<DmaDomain*>(domain);
    }
    Domain(MemorySource& memory, DomainInvalidator& invalidator, const iommu::TableFeatures& features,
           bool caches_absent, std::uint16_t id)
        : memory_(memory),
          frames_(memory, invalidator, features.coherent, id),
          caches_absent_(caches_absent),
          snoops_(features.snoops),
          id_(id) {}
    ~Domain() { table().~Table(); }

    Status map(GuestPhysicalAddress from, PhysicalAddress to, std::uint64_t size, bool write) override {
        ASHLAR_TRY(table().map(from, to, size, {.write = write, .snoop = snoops_}));
        if (caches_absent_)
            frames_.invalidate();
        return frames_.status();
    }
    Status unmap(GuestPhysicalAddress from, std::uint64_t size) override {
        ASHLAR_TRY(table().unmap(from, size));
        return frames_.status();
    }
    Result<PhysicalAddress> translate(GuestPhysicalAddress address) const override {
        return ASHLAR_TRY(table().translate(address)).address;
    }
    iommu::DomainRoot root() const override { return {table().root(), id_}; }
    void destroy() override { destroy_in_frames(memory_, this); }

private:
    Table& table() { return *std::launder(reinterpret_cast<Table*>(storage_)); }
    const Table& table() const { return *std::launder(reinterpret_cast<const Table*>(storage_)); }

    MemorySource& memory_;
    DomainFrames frames_;
    bool caches_absent_, snoops_;
    std::uint16_t id_;
    alignas(Table) std::byte storage_[sizeof(Table)];
};

} // namespace

Result<DmaDomain*> create_dma_domain(MemorySource& memory, DomainInvalidator& invalidator,
                                     const iommu::TableFeatures& features, bool caches_absent,
                                     std::uint16_t id) {
    return features.levels == 4
               ? Domain<iommu::VtdFormat<4>>::create(memory, invalidator, features, caches_absent, id)
               : Domain<iommu::VtdFormat<3>>::create(memory, invalidator, features, caches_absent, id);
}

} // namespace ashlar::kernel
