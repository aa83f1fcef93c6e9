#include "jit/board/board.h"

#include <algorithm>

namespace ashlar::jit::board {

Board::Board(const BoardParts& parts)
    : timebase_(parts.clock),
      clint_(parts.harts, timebase_, parts.hart_count),
      plic_(parts.harts, parts.hart_count),
      finisher_(parts.power),
      rtc_(parts.clock, InterruptWire(plic_, kRtcIrq)),
      uart_(parts.console, InterruptWire(plic_, kUartIrq)),
      pcie_(parts.functions, parts.clock, plic_) {
    ASHLAR_ASSERT(parts.disks.size() <= kVirtioSlots);
    for (unsigned slot = 0; slot < kVirtioSlots; ++slot) {
        VirtioDevice* device = nullptr;
        if (slot < parts.disks.size()) {
            BlockBackend& disk = *parts.disks[slot];
            if (QueueServer* const server = disk.queue_server(); server != nullptr)
                device = &served_[slot].emplace(disk, *server);
            else
                device = &disks_[slot].emplace(disk);
        }
        slots_[slot].emplace(parts.memory, InterruptWire(plic_, kVirtioIrq + slot), device);
    }
}

Status Board::attach(Bus& bus) {
    const auto attach = [&bus](std::string_view name, const Window& window, MmioDevice& device) {
        return bus.attach(name, window.base, window.size, device);
    };
    for (auto& disk : disks_)
        if (disk)
            ASHLAR_TRY(disk->prepare());
    ASHLAR_TRY(attach("boot ROM", kBootRom, boot_rom_));
    ASHLAR_TRY(attach("test finisher", kTestFinisher, finisher_));
    ASHLAR_TRY(attach("RTC", kRtc, rtc_));
    ASHLAR_TRY(attach("CLINT", kClint, clint_));
    ASHLAR_TRY(attach("PLIC", kPlic, plic_));
    ASHLAR_TRY(attach("UART", kUart, uart_));
    ASHLAR_TRY(pcie_.attach(bus));
    for (std::size_t slot = 0; slot < kVirtioSlots; ++slot)
        ASHLAR_TRY(attach("virtio-mmio", {kVirtio.base + slot * kVirtio.size, kVirtio.size}, *slots_[slot]));
    return {};
}

void Board::reset() {
    for (auto& slot : slots_)
        slot->reset();
    pcie_.reset();
    uart_.reset();
    rtc_.reset();
    plic_.reset();
    clint_.reset();
}

void Board::quiesce() {
    for (auto& disk : disks_)
        if (disk)
            disk->abandon();
    for (auto& disk : served_)
        if (disk)
            disk->abandon();
    pcie_.quiesce();
}

void Board::poll_disks() {
    for (auto& slot : slots_)
        slot->poll();
}

bool Board::disks_busy() const {
    return std::any_of(slots_.begin(), slots_.end(), [](const auto& slot) { return slot->busy(); });
}

void Board::update_time() {
    clint_.update(timebase_.time());
    rtc_.update();
}

std::uint64_t Board::next_deadline_ns() {
    return std::min(timebase_.deadline_ns(clint_.next_deadline()), rtc_.next_deadline_ns());
}

void Board::report_statistics(Facts& facts) const {
    for (std::size_t slot = 0; slot < kVirtioSlots; ++slot) {
        if (!disks_[slot] && !served_[slot])
            continue;
        BufferSink<16> name;
        format(name, "disk{}", slot);
        facts.add(name.view(), "requests", slots_[slot]->requests());
        facts.add(name.view(), "notifications", slots_[slot]->notifications());
        if (!disks_[slot])
            continue; // who serves it knows the rest
        const VirtioBlock::Statistics& disk = disks_[slot]->statistics();
        facts.add(name.view(), "read_bytes", disk.read_bytes);
        facts.add(name.view(), "written_bytes", disk.written_bytes);
        facts.add(name.view(), "flushes", disk.flushes);
        facts.add(name.view(), "failed", disk.failed);
        facts.add(name.view(), "most_in_flight", disk.most_in_flight);
    }
    for (std::size_t i = 0; i < pcie_.functions().size(); ++i) {
        const PciFunction::Statistics& function = pcie_.functions()[i]->statistics();
        BufferSink<16> name;
        format(name, "pci{}", i);
        facts.add(name.view(), "accesses", function.accesses);
        facts.add(name.view(), "notifications", function.notifications);
        facts.add(name.view(), "interrupts", function.interrupts);
    }
}

} // namespace ashlar::jit::board
