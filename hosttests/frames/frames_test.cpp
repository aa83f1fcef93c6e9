#include "hosttests/frames/frames_test.h"

#include <cstdlib>

#include <sys/mman.h>

namespace ashlar::kernel {
namespace {

class StringSink final : public Sink {
public:
    explicit StringSink(std::string& text) : text_(text) {}
    void write(std::string_view text) override { text_ += text; }

private:
    std::string& text_;
};

} // namespace

FramesTest::FramesTest(std::uint64_t size) : size_(size) {
    void* const mapped =
        ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED)
        std::abort();
    memory_ = static_cast<std::byte*>(mapped);
    arch::fake::machine() = {};
    arch::fake::machine().memory = memory_;
    arch::fake::machine().memory_size = size;
}

FramesTest::~FramesTest() {
    ::munmap(memory_, size_);
    arch::fake::machine() = {};
    arch::fake::set_current_cpu(0);
}

void FramesTest::nodes(unsigned count) {
    boot.numa.node_count = count;
    boot.numa.range_count = count;
    for (NodeId node = 0; node < count; ++node) {
        boot.numa.ranges[node] = {PhysicalAddress(node * node_size()), node_size(), node};
        for (NodeId other = 0; other < count; ++other)
            boot.numa.distance[node][other] =
                static_cast<std::uint8_t>(10 + 10 * (node > other ? node - other : other - node));
    }
}

void FramesTest::start(unsigned cpus) {
    std::vector<NodeId> cpu_nodes;
    for (unsigned cpu = 0; cpu < cpus; ++cpu)
        cpu_nodes.push_back(static_cast<NodeId>(cpu % boot.numa.node_count));
    StringSink sink(diagnostics);
    frames->initialize(boot, cpu_nodes, sink);
}

} // namespace ashlar::kernel
