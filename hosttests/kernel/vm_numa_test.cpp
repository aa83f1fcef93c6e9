// VMs on a machine with two NUMA nodes.
#include "hosttests/kernel/kernel_test.h"

namespace ashlar::kernel {
namespace {

using Kind = MemoryPolicy::Kind;

class VmNuma : public KernelTest {
protected:
    VmNuma() : KernelTest(64 * kMiB, 2) {}

    static MemoryPolicy policy_of(Kind kind, std::initializer_list<NodeId> nodes = {}) {
        MemoryPolicy policy;
        policy.kind = kind;
        for (const NodeId node : nodes)
            policy.nodes.add(node);
        return policy;
    }
    Result<Vm*> try_create(std::uint64_t ram, const MemoryPolicy& policy, NodeId home) {
        VmConfig config = small_vm();
        config.memory = ram;
        problem.clear();
        return Vm::create(frames, hypervisor, config, images, problem, Placement(policy, home));
    }
    Vm& create_placed(std::uint64_t ram, const MemoryPolicy& policy, NodeId home) {
        const Result<Vm*> vm = try_create(ram, policy, home);
        EXPECT_TRUE(vm.ok()) << problem.view();
        return *vm.value();
    }
    NodeId node_of(Vm& vm, std::uint64_t address) {
        return boot.numa.node_of(vm.space().translate(GuestPhysicalAddress(address)).value().address);
    }
    // Pages of the whole machine that are all zero.
    std::uint64_t zero_pages() {
        std::uint64_t count = 0;
        for (std::uint64_t page = 0; page < machine().memory_size; page += kPageSize) {
            const std::byte* const bytes = machine().memory + page;
            count += std::all_of(bytes, bytes + kPageSize, [](std::byte b) { return b == std::byte{}; });
        }
        return count;
    }
    // Nothing that is free is zero.
    void dirty_free_memory() {
        MemoryAccount account;
        std::vector<PhysicalAddress> held;
        for (;;) {
            const auto frame = frames.allocate(0, {}, account);
            if (!frame.ok())
                break;
            std::memset(arch::physical_to_virtual(frame.value()), 0x5a, kPageSize);
            held.push_back(frame.value());
        }
        for (const PhysicalAddress frame : held)
            frames.free(frame, 0, account);
    }

    BufferSink<256> problem;
};

TEST_F(VmNuma, LocalIsAllLocalUntilTheNodeIsFull) {
    Vm& first = create_placed(20 * kMiB, {}, 1);
    EXPECT_EQ(first.account().frames_on[0], 0u);
    // When: the node cannot hold the second as well
    Vm& second = create_placed(20 * kMiB, {}, 1);
    // Then: all that it has is used
    EXPECT_EQ(frames.statistics(1).free_frames, 0u);
    EXPECT_GT(second.account().frames_on[0], 0u);
    EXPECT_EQ(frames.statistics(1).hits[static_cast<std::size_t>(Hit::Remote)], 0u);
    first.destroy();
    second.destroy();
}

TEST_F(VmNuma, InterleaveSpreadsRamByWeightAndKeepsTablesAtHome) {
    MemoryPolicy policy = policy_of(Kind::Interleave);
    policy.weights[1] = 3;
    Vm& vm = create_placed(16 * kMiB, policy, 0);
    unsigned on_1 = 0;
    for (std::uint64_t at = 0; at < 16 * kMiB; at += kPageSize)
        on_1 += node_of(vm, abi::kRamBase + at);
    EXPECT_EQ(on_1, 3 * 16 * kMiB / kPageSize / 4);
    vm.destroy();
}

TEST_F(VmNuma, TablesComeFromTheVmsNodeWhateverThePolicy) {
    for (const NodeId home : {0u, 1u}) {
        Vm& vm = create_placed(4 * kMiB, policy_of(Kind::Interleave), home);
        const MemoryAccount before = vm.account();
        // When: pages are mapped where each needs a table of every level
        constexpr std::uint64_t kFar = std::uint64_t{1} << 45;
        const PhysicalAddress frame =
            vm.space().translate(GuestPhysicalAddress(abi::kRamBase)).value().address;
        for (std::uint64_t i = 1; i <= 4; ++i)
            ASSERT_TRUE(vm.space()
                            .map(GuestPhysicalAddress(i * kFar), frame, kPageSize, {}, MemoryType::WriteBack)
                            .ok());
        // Then
        EXPECT_EQ(vm.account().frames_on[home], before.frames_on[home] + 3 * 4);
        EXPECT_EQ(vm.account().frames_on[1 - home], before.frames_on[1 - home]);
        vm.destroy();
    }
}

TEST_F(VmNuma, BindIsRefusedBeforeAnythingIsTouched) {
    dirty_free_memory();
    const std::uint64_t before = free_frames(), zero = zero_pages();
    const Result<Vm*> vm = try_create(40 * kMiB, policy_of(Kind::Bind, {1}), 1);
    EXPECT_EQ(vm.error(), Error::OutOfMemory);
    EXPECT_EQ(problem.view(),
              "not enough memory: 40 MiB are needed, 31 MiB are free on the nodes it is bound to");
    EXPECT_EQ(free_frames(), before);
    EXPECT_LE(zero_pages() - zero, order_for(sizeof(Vm)) + 1);
    create_placed(40 * kMiB, policy_of(Kind::Preferred, {1}), 1).destroy();
}

TEST_F(VmNuma, LackOfMemoryShowsBeforeAnythingIsCleared) {
    // Given: a disk that cannot be had, behind private memory and RAM that can
    dirty_free_memory();
    const std::string disk(512, 'd');
    images.disks[0] = std::as_bytes(std::span(disk.data(), disk.size()));
    VmConfig config = small_vm();
    config.memory = 8 * kMiB;
    config.disk_count = 1;
    create(config).destroy();
    dirty_free_memory();
    const std::uint64_t before = free_frames(), zero = zero_pages(), first = frames.allocations;
    create(config).destroy();
    const std::uint64_t needed = frames.allocations - first;
    dirty_free_memory();
    // When: all but the last few allocations succeed
    frames.fail_from = frames.allocations + needed - 8;
    ASSERT_FALSE(Vm::create(frames, hypervisor, config, images, problem).ok());
    frames.fail_from = CountingFrames::kNever;
    // Then
    EXPECT_EQ(free_frames(), before);
    EXPECT_LE(zero_pages() - zero, 16u);
}

TEST_F(VmNuma, BindToAFullNodeIsRefused) {
    MemoryAccount taken;
    while (frames.allocate(0, {.node = 1, .others = {}}, taken).ok()) {
    }
    EXPECT_EQ(try_create(2 * kMiB, policy_of(Kind::Bind, {1}), 1).error(), Error::OutOfMemory);
    EXPECT_NE(problem.view().find("0 MiB are free on the nodes it is bound to"), std::string_view::npos);
}

TEST_F(VmNuma, EveryPolicyReturnsEveryFrame) {
    MemoryPolicy weighted = policy_of(Kind::Interleave, {0, 1});
    weighted.weights[0] = 7;
    const MemoryPolicy policies[] = {
        {}, policy_of(Kind::Preferred, {1}), policy_of(Kind::Bind, {0}), weighted};
    const std::uint64_t before[] = {frames.statistics(0).free_frames, frames.statistics(1).free_frames};
    for (unsigned round = 0; round < 1000; ++round) {
        Vm& vm = create_placed((1 + round % 8) * kMiB, policies[round % std::size(policies)], round % 2);
        vm.destroy();
        for (const NodeId node : {0u, 1u})
            ASSERT_EQ(frames.statistics(node).free_frames, before[node]) << "round " << round;
    }
}

TEST_F(VmNuma, NothingOfOthersIsLeftInAVmsMemory) {
    // Given: blobs and disks that do not fill their last pages
    dirty_free_memory();
    const std::string data(kPageSize + 512, 'd');
    images.disks[0] = images.initrd = std::as_bytes(std::span(data.data(), data.size()));
    VmConfig config = small_vm();
    config.memory = 4 * kMiB;
    config.disk_count = 1;
    config.command_line = "x";
    // When
    Vm& vm = create(config);
    // Then: what the VM sees is zero, or what was put there
    const auto has_old = [](const std::string& text) { return text.find(0x5a) != std::string::npos; };
    EXPECT_FALSE(has_old(read_memory(vm, abi::kRamBase, 4 * kMiB)));
    EXPECT_FALSE(has_old(read_memory(vm, abi::kPrivateBase, config.private_memory)));
    EXPECT_FALSE(has_old(read_memory(vm, abi::kBlobBase, 3 * kPageSize)));
    const MutableBytes disk = vm.disk(0)->contents.chunk(kPageSize);
    EXPECT_FALSE(has_old({reinterpret_cast<const char*>(disk.data()), kPageSize}));
    vm.destroy();
}

TEST_F(VmNuma, AccountIsLimitedToWhatWasAskedFor) {
    Vm& vm = create_placed(4 * kMiB, {}, 0);
    const MemoryAccount& account = vm.account();
    EXPECT_LE(account.frames, account.limit_frames);
    EXPECT_LT(account.limit_frames, 2 * (4 * kMiB + 32 * kPageSize) / kPageSize);
    vm.destroy();
}

} // namespace
} // namespace ashlar::kernel
