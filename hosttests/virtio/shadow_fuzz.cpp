// A fuzzer of the shadowed queue: random drivers that know the format, mutations of a saved corpus, and a
// port and RAM that notice whatever leaves them. ASHLAR_SHADOW_FUZZ_ROUNDS sets how long;
// ASHLAR_SHADOW_FUZZ_SAVE names a folder to which inputs are saved that reach what none before did.
#include <algorithm>
#include <bit>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

#include "hosttests/virtio/shadowed_vm.h"

namespace ashlar::virtio {
namespace {

using test::CheckingPort, test::Driver, test::ScatteredRam;

constexpr std::uint16_t kQueueSize = 16;
constexpr std::uint64_t kEnd = ScatteredRam::kBase + ScatteredRam::kSize;

// An input is a program of bytes: each opcode takes its operands from what follows, zeros at the end.
class Program {
public:
    explicit Program(const std::vector<std::uint8_t>& bytes) : bytes_(bytes) {}
    bool done() const { return at_ >= bytes_.size(); }
    std::uint8_t byte() { return done() ? 0 : bytes_[at_++]; }
    std::uint16_t word() { return static_cast<std::uint16_t>(byte() | byte() << 8); }

    // Addresses that matter: in RAM, at its ends, far away, wrapping.
    std::uint64_t address() {
        const std::uint8_t choice = byte();
        const std::uint64_t offset = word();
        switch (choice % 16) {
        case 0: return kEnd - offset % 64;
        case 1: return ScatteredRam::kBase - offset % 64;
        case 2: return ~std::uint64_t{0} - offset % 4096;
        case 3: return offset;
        case 4: return std::uint64_t{0x40'0000'0000} + offset;
        case 5:
        case 6: return Driver::kTable + offset % 512 / 16 * 16;
        case 7: return Driver::kHeader + offset % 4096;
        default: return ScatteredRam::kBase + offset % ScatteredRam::kSize;
        }
    }
    std::uint32_t length() {
        const std::uint8_t choice = byte();
        const std::uint32_t value = word();
        switch (choice % 12) {
        case 0: return ~std::uint32_t{0} - value;
        case 1: return 0;
        case 2: return 16 * (value % 40);
        case 3:
        case 4: return 16;
        case 5: return 1;
        case 6:
        case 7: return 512 * (value % 16);
        default: return value;
        }
    }

private:
    const std::vector<std::uint8_t>& bytes_;
    std::size_t at_ = 0;
};

class World {
public:
    World() {
        port.room = 5;
        port.slice = {.offset = 64 << 10, .length = 96 << 10};
        port.disk.most_pieces = 3;
        port.disk.largest_piece = 3000;
    }

    void run(Program input) {
        const std::uint8_t mode = input.byte();
        port.slice.read_only = (mode & 1) != 0;
        port.disk.block_size = (mode & 2) != 0 ? 4096 : 512;
        port.disk.can_flush = (mode & 4) == 0;
        features_ = feature::kVersion1 | ((mode & 8) != 0 ? feature::kIndirect : 0) |
                    ((mode & 16) != 0 ? feature::kEventIndex : 0);
        disk.emplace(port, window, port.slice);
        attach();
        while (!input.done())
            step(input);
        port.complete_all(*disk);
        disk->settle();
        EXPECT_LE(port.waiting.size(), 5u);
        disk->detach();
        while (!port.waiting.empty())
            port.complete(*disk);
        EXPECT_TRUE(disk->idle());
        EXPECT_TRUE(ram.gaps_are_clean());
    }

    // What was seen, as bits: to tell inputs apart that reach something new.
    std::uint64_t seen = 0;

private:
    void attach() {
        if (disk->attach(driver.addresses(), features_).ok())
            see(0);
    }
    void see(unsigned what) { seen |= std::uint64_t{1} << what; }

    void step(Program& input) {
        const std::uint8_t operation = input.byte();
        switch (operation % 12) {
        case 0:
        case 1: { // a descriptor, in the queue or in a table
            const std::uint64_t table = input.byte() % 2 == 0 ? Driver::kDescriptors : Driver::kTable;
            const std::uint64_t index = input.byte() % 24;
            const std::uint64_t address = input.address();
            const std::uint32_t length = input.length();
            const std::uint8_t flags = input.byte();
            driver.descriptor(index, address, length, static_cast<std::uint16_t>(flags % 8),
                              flags % 64 == 63 ? input.word() : static_cast<std::uint16_t>(input.byte() % 20),
                              table);
            return;
        }
        case 2:
        case 3: { // a whole request
            const auto head = static_cast<std::uint16_t>(input.byte() % 14);
            driver.request(head, kTypes[input.byte() % std::size(kTypes)], sector(input), input.length(),
                           input.address());
            return;
        }
        case 4: { // one by a table
            const std::uint8_t head = input.byte();
            driver.header(kTypes[input.byte() % std::size(kTypes)], sector(input), Driver::kHeader);
            driver.descriptor(head % kQueueSize, Driver::kTable, 16u * (input.byte() % 20),
                              descriptor::kIndirect);
            driver.offer(head % kQueueSize);
            return;
        }
        case 5: return driver.offer(input.byte() % 18);
        case 6: return driver.ram.store(Driver::kDriver + 2, input.word()); // the index jumps
        case 7:
            return driver.ram.store(input.byte() % 2 == 0 ? Driver::kDevice + input.word() % 140
                                                          : Driver::kDriver + input.word() % 40,
                                    input.word());
        case 8:
        case 9: see(disk->kick().ok() ? 1 : 2); return look();
        case 10:
            if (!port.waiting.empty()) {
                const std::size_t place = input.byte() % port.waiting.size();
                const std::uint8_t status = input.byte();
                port.complete(*disk, place,
                              status % 8 == 0   ? Status(Error::Io)
                              : status % 8 == 1 ? Status(Error::Unsupported)
                                                : Status());
                see(3 + status % 8 / 4);
            }
            if (disk->settle())
                see(5);
            return look();
        case 11: {
            const std::uint8_t what = input.byte();
            if (what % 8 == 0) {
                disk->detach();
                port.complete_all(*disk);
                driver.ram.store(Driver::kDriver + 2, std::uint16_t{0});
                attach();
            } else if (what % 8 == 1) {
                disk->detach();
                attach();
                see(6);
            } else {
                port.fails = what % 8 == 2   ? std::optional(Error::Unsupported)
                             : what % 8 == 3 ? std::optional(Error::InvalidArgument)
                                             : std::nullopt;
            }
            return;
        }
        default: return;
        }
    }

    std::uint64_t sector(Program& input) {
        const std::uint8_t choice = input.byte();
        const std::uint64_t value = input.byte();
        return choice % 8 == 0   ? ~std::uint64_t{0} - value
               : choice % 8 == 1 ? ~std::uint64_t{0} / 512 - 2 + value
               : choice % 8 == 2 ? value
                                 : value / 8 * 8;
    }

    void look() {
        for (const CheckingPort::Request& request : port.waiting)
            see(8 + static_cast<unsigned>(request.kind) * 4 +
                static_cast<unsigned>(std::min<std::size_t>(request.data.size(), 3)));
        see(40 + static_cast<unsigned>(std::min<std::size_t>(port.waiting.size(), 5)));
        see(48 + std::min<unsigned>(driver.used_index(), 12));
    }

    static constexpr std::uint32_t kTypes[] = {block::kRead,
                                               block::kRead,
                                               block::kWrite,
                                               block::kWrite,
                                               block::kFlushRequest,
                                               block::kDiscardRequest,
                                               block::kGetId,
                                               block::kWriteZeroesRequest,
                                               99};

    ScatteredRam ram;
    GuestWindow window{ram, ScatteredRam::kBase, ScatteredRam::kSize};
    Driver driver{ram, kQueueSize};
    CheckingPort port;
    std::optional<ShadowDisk> disk;
    std::uint64_t features_ = 0;
};

std::uint64_t run(const std::vector<std::uint8_t>& input) {
    World world;
    world.run(Program(input));
    return world.seen;
}

std::vector<std::vector<std::uint8_t>> corpus() {
    std::vector<std::filesystem::path> names;
    for (const auto& entry : std::filesystem::directory_iterator("hosttests/virtio/corpus"))
        names.push_back(entry.path());
    std::sort(names.begin(), names.end());
    std::vector<std::vector<std::uint8_t>> inputs;
    for (const auto& name : names) {
        std::ifstream file(name, std::ios::binary);
        inputs.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
    return inputs;
}

TEST(ShadowFuzz, TheCorpusIsHarmless) {
    const auto inputs = corpus();
    ASSERT_FALSE(inputs.empty());
    std::uint64_t seen = 0;
    for (const auto& input : inputs)
        seen |= run(input);
    // Requests of every kind got through, and every way to end was seen.
    EXPECT_GE(std::popcount(seen), 30) << std::hex << seen;
}

TEST(ShadowFuzz, RandomDriversAreHarmless) {
    auto inputs = corpus();
    const char* const rounds_text = std::getenv("ASHLAR_SHADOW_FUZZ_ROUNDS");
    const char* const save = std::getenv("ASHLAR_SHADOW_FUZZ_SAVE");
    const unsigned long rounds = rounds_text != nullptr ? std::strtoul(rounds_text, nullptr, 10) : 200'000;
    const char* const seed_text = std::getenv("ASHLAR_SHADOW_FUZZ_SEED");
    std::mt19937 random(seed_text != nullptr ? static_cast<unsigned>(std::strtoul(seed_text, nullptr, 10))
                                             : 1);
    std::uint64_t seen = 0;
    for (const auto& input : inputs)
        seen |= run(input);
    for (unsigned long round = 0; round < rounds && !testing::Test::HasFailure(); ++round) {
        std::vector<std::uint8_t> input;
        if (!inputs.empty() && random() % 4 != 0) {
            input = inputs[random() % inputs.size()];
            for (auto changes = 1 + random() % 6; changes != 0 && !input.empty(); --changes) {
                const std::size_t at = random() % input.size();
                if (random() % 3 == 0)
                    input.insert(input.begin() + static_cast<std::ptrdiff_t>(at),
                                 static_cast<std::uint8_t>(random()));
                else
                    input[at] = static_cast<std::uint8_t>(random());
            }
        } else {
            input.resize(40 + random() % 400);
            for (std::uint8_t& byte : input)
                byte = static_cast<std::uint8_t>(random());
        }
        const std::uint64_t reached = run(input);
        const bool is_new = (reached & ~seen) != 0;
        seen |= reached;
        if (is_new && inputs.size() < 400)
            inputs.push_back(input);
        if (save != nullptr && (is_new || testing::Test::HasFailure())) {
            std::ofstream file(std::filesystem::path(save) / ("input-" + std::to_string(round)),
                               std::ios::binary);
            file.write(reinterpret_cast<const char*>(input.data()),
                       static_cast<std::streamsize>(input.size()));
        }
    }
    EXPECT_GE(std::popcount(seen), 30) << std::hex << seen;
}

} // namespace
} // namespace ashlar::virtio
