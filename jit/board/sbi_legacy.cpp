// Legacy extensions (SBI 2.0, chapter 5): hart masks lie in the caller's virtual memory, and only a0 returns.
#include "jit/board/sbi.h"

#include "jit/frontend/riscv64/translate.h"

namespace ashlar::jit::board {

namespace {
constexpr std::uint64_t kNoCharacter = ~std::uint64_t{0};
constexpr std::uint64_t error(sbi::Status status) {
    return static_cast<std::uint64_t>(status);
}
} // namespace

bool Sbi::select_legacy(unsigned caller, std::uint64_t mask_address, HartSet& harts) {
    if (mask_address == 0) {
        harts = all_harts();
        return true;
    }
    // Byte by byte, since nothing says that the mask is aligned.
    std::uint64_t mask = 0;
    for (unsigned i = 0; i < sizeof mask; ++i) {
        const riscv64::TranslationResult where = riscv64::translate(
            state(caller), memory_, GuestVirtualAddress(mask_address + i), 1, riscv64::AccessType::Load);
        if (!where.ok)
            return false;
        const Result<std::uint8_t> byte = memory_.load<std::uint8_t>(where.translation.address);
        if (!byte.ok())
            return false;
        mask |= std::uint64_t{byte.value()} << (8 * i);
    }
    return select(mask, 0, harts);
}

std::uint64_t Sbi::legacy(const Call& call) {
    HartSet harts = 0;
    switch (static_cast<sbi::Extension>(call.extension)) {
    case sbi::Extension::LegacySetTimer: set_timer(call.hart, call.argument[0]); return 0;
    case sbi::Extension::LegacyConsolePutchar: {
        const auto byte = static_cast<std::byte>(call.argument[0]);
        console_.write(Bytes(&byte, 1));
        return 0;
    }
    case sbi::Extension::LegacyConsoleGetchar: {
        std::byte byte;
        return console_.read(MutableBytes(&byte, 1)) == 1 ? std::to_integer<std::uint64_t>(byte)
                                                          : kNoCharacter;
    }
    case sbi::Extension::LegacyClearIpi:
        engine_.hart(call.hart).set_interrupt(riscv64::Interrupt::SupervisorSoftware, false);
        return 0;
    case sbi::Extension::LegacySendIpi:
        if (!select_legacy(call.hart, call.argument[0], harts))
            return error(Status::InvalidParameter);
        return error(ipi({call.hart, 0, 0, {harts, 0}}).status);
    case sbi::Extension::LegacyRemoteFenceI:
        return select_legacy(call.hart, call.argument[0], harts) ? 0 : error(Status::InvalidParameter);
    case sbi::Extension::LegacyRemoteSfenceVma:
    case sbi::Extension::LegacyRemoteSfenceVmaAsid:
        if (!select_legacy(call.hart, call.argument[0], harts))
            return error(Status::InvalidParameter);
        return error(
            remote_fence(
                {call.hart, 0, sbi::remote_fence::SfenceVma, {harts, 0, call.argument[1], call.argument[2]}})
                .status);
    case sbi::Extension::LegacyShutdown: end(false, 0); return 0;
    default: return error(Status::NotSupported);
    }
}

} // namespace ashlar::jit::board
