// A DMA remapping unit of Intel's. Specification: Intel Virtualization Technology for Directed I/O 4.1, in
// legacy mode: root and context tables, second-level tables, queued or register-based invalidation, remapping
// of interrupts.
#pragma once

#include <array>

#include "drivers/iommu/iommu.h"
#include "drivers/platform.h"

namespace ashlar::iommu {

class Vtd final : public Unit {
public:
    // `platform` outlives it.
    Vtd(Platform& platform, PhysicalAddress registers) : platform_(platform), registers_(registers) {}
    Vtd(const Vtd&) = delete;
    Vtd& operator=(const Vtd&) = delete;

    // Makes the tables; whatever firmware had set up is over. Unsupported when the unit cannot do what we
    // need, Io when it does not answer. `interrupts`: whether firmware says that they can be remapped.
    Status initialize(bool interrupts);
    // As after power-on: everybody accesses everything.
    Status turn_off();
    // From now on functions that are not attached access nothing.
    Status enable_translation();
    // From now on only interrupts that were added are delivered; Unsupported when it cannot.
    Status enable_interrupt_remapping();

    const TableFeatures& table_features() const override { return features_; }
    // Whether it has to be told also of what was not mapped before.
    bool caches_absent() const;
    std::uint16_t last_domain() const override { return last_domain_; }
    Status attach(Requester requester, const DomainRoot& domain) override;
    Status detach(Requester requester, std::uint16_t domain) override;
    // That the function is attached to; 0: to none.
    std::uint16_t domain_of(Requester requester);
    Status invalidate(std::uint16_t domain) override;
    bool can_remap_interrupts() const { return interrupts_.size != 0; }
    bool remaps_interrupts() const override { return remaps_; }
    Result<std::uint16_t> add_interrupt(Requester requester, const InterruptTarget& target) override;
    Status remove_interrupt(std::uint16_t number) override;
    bool take_faults(FaultVisitor& visitor) override;

private:
    static constexpr unsigned kInterrupts = 256, kDescriptors = 256;

    std::uint64_t read64(std::uint32_t at);
    void write64(std::uint32_t at, std::uint64_t value);
    Status wait_for(std::uint32_t at, std::uint32_t mask, std::uint32_t value);
    Status command(std::uint32_t bit, bool on);
    Status do_once(std::uint32_t bit);
    Status read_features();
    Status start_queue();
    Status set_root();
    Status set_interrupt_table();

    // 128-bit entries of our tables.
    void store_entry(std::byte* at, std::uint64_t low, std::uint64_t high);
    Result<std::byte*> context_entry(Requester requester, bool make);
    Status submit(std::uint64_t low);
    Status forget_everything();
    Status forget_context(Requester requester, std::uint16_t domain);
    Status forget_interrupts();
    Status iotlb_by_register(std::uint32_t upper, std::uint16_t domain);

    Platform& platform_;
    PhysicalAddress registers_;
    std::uint64_t capability_ = 0, extended_ = 0;
    TableFeatures features_;
    std::uint16_t last_domain_ = 0;
    DmaBlock root_, queue_, status_, interrupts_;
    std::array<DmaBlock, 256> contexts_{}; // by bus
    unsigned tail_ = 0;                    // the next descriptor's index
    std::uint32_t ticket_ = 0;             // of the last wait
    bool remaps_ = false;
};

} // namespace ashlar::iommu
