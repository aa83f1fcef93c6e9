#include "kernel/config.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ashlar::kernel {
namespace {

struct Recorder final : ConfigVisitor {
    void vm(const VmConfig& config) override { vms.push_back(config); }
    void problem(unsigned line, std::string_view message) override {
        problems.push_back(std::to_string(line) + ": " + std::string(message));
    }
    void rejected(std::string_view name) override { rejections.emplace_back(name); }
    std::vector<VmConfig> vms;
    std::vector<std::string> problems, rejections;
};

Recorder parse(std::string_view text) {
    Recorder recorder;
    parse_config(text, recorder);
    return recorder;
}

// The only problem of a VM with this line added.
std::string problem_of(const std::string& line) {
    const std::string text = "[vm a]\nkernel = k\nmemory = 64M\n" + line + "\n";
    const Recorder found = parse(text);
    EXPECT_TRUE(found.vms.empty()) << line;
    EXPECT_EQ(found.rejections, std::vector<std::string>{"a"}) << line;
    return found.problems.size() == 1 ? found.problems[0]
                                      : std::to_string(found.problems.size()) + " problems";
}

TEST(Config, ReadsEveryKey) {
    const Recorder found = parse("# two VMs\n"
                                 "[vm linux]\r\n"
                                 "kind = riscv64\n"
                                 "memory=512M\n"
                                 "private = 96M\n"
                                 "  vcpus =  2\n"
                                 "node = 1\n"
                                 "policy = bind\n"
                                 "firmware = fw_jump.elf\n"
                                 "kernel = Image\n"
                                 "initrd = initramfs.cpio.gz\n"
                                 "cmdline = console=ttyS0 root=/dev/vda # not a comment\n"
                                 "disk = a.img\n"
                                 "disk = b.img , readonly\n"
                                 "tuning = cache=64M\n"
                                 "\n"
                                 "[ vm  test.1 ]\n"
                                 "kind = native\n"
                                 "memory = 2M\n"
                                 "statistics = machine\n"
                                 "kernel = test.elf");
    EXPECT_TRUE(found.problems.empty());
    ASSERT_EQ(found.vms.size(), 2u);
    const VmConfig& a = found.vms[0];
    EXPECT_EQ(a.name, "linux");
    EXPECT_EQ(a.line, 2u);
    EXPECT_EQ(a.kind, VmKind::Riscv64);
    EXPECT_EQ(a.memory, 512u << 20);
    EXPECT_EQ(a.private_memory, 96u << 20);
    EXPECT_EQ(a.vcpus, 2u);
    EXPECT_EQ(a.node, NodeId{1});
    EXPECT_EQ(a.policy.kind, MemoryPolicy::Kind::Bind);
    EXPECT_EQ(a.policy.nodes, NodeSet::of(1));
    EXPECT_EQ(a.policy_line, 8u);
    EXPECT_EQ(a.firmware.name, "fw_jump.elf");
    EXPECT_EQ(a.kernel.name, "Image");
    EXPECT_EQ(a.kernel.line, 10u);
    EXPECT_EQ(a.initrd.name, "initramfs.cpio.gz");
    EXPECT_EQ(a.command_line, "console=ttyS0 root=/dev/vda # not a comment");
    ASSERT_EQ(a.disk_count, 2u);
    EXPECT_EQ(a.disks[0].image.name, "a.img");
    EXPECT_FALSE(a.disks[0].read_only());
    EXPECT_EQ(a.disks[1].image.name, "b.img");
    EXPECT_TRUE(a.disks[1].read_only());
    ASSERT_EQ(a.tuning_count, 1u);
    EXPECT_EQ(a.tuning[0], "cache=64M");
    const VmConfig& b = found.vms[1];
    EXPECT_EQ(b.name, "test.1");
    EXPECT_EQ(b.kind, VmKind::Native);
    EXPECT_EQ(b.memory, 2u << 20);
    EXPECT_EQ(b.vcpus, 1u);
    EXPECT_FALSE(b.node.has_value());
    EXPECT_FALSE(a.sees_machine);
    EXPECT_TRUE(b.sees_machine);
}

TEST(Config, AFaultCostsOneVmAlone) {
    const Recorder found = parse("[vm a]\nkernel=k\nmemory=64M\ncolour=red\n[vm b]\nkernel=k\nmemory=64M\n");
    EXPECT_EQ(found.problems, std::vector<std::string>{"4: unknown key 'colour'"});
    EXPECT_EQ(found.rejections, std::vector<std::string>{"a"});
    ASSERT_EQ(found.vms.size(), 1u);
    EXPECT_EQ(found.vms[0].name, "b");
}

TEST(Config, NamesTheLineAndTheFault) {
    EXPECT_EQ(problem_of("kernal = x"), "4: unknown key 'kernal'");
    EXPECT_EQ(problem_of("kernel = x"), "4: 'kernel' is given twice");
    EXPECT_EQ(problem_of("vcpus = 0"), "4: vcpus '0' is not a number from 1 to 8");
    EXPECT_EQ(problem_of("vcpus = two"), "4: vcpus 'two' is not a number from 1 to 8");
    EXPECT_EQ(problem_of("kind = mips"), "4: kind 'mips' is not supported (riscv64, native)");
    EXPECT_EQ(problem_of("node = -1"), "4: node '-1' is no NUMA node number");
    EXPECT_EQ(problem_of("statistics = all"), "4: statistics 'all' is not supported (own, machine)");
    EXPECT_EQ(problem_of("node = 64"), "4: node '64' is no NUMA node number");
    EXPECT_EQ(problem_of("disk = a, writeonly"),
              "4: unknown disk option 'writeonly' (readonly, mode, sector_size, range)");
    EXPECT_EQ(problem_of("disk = ,readonly"), "4: 'disk' names no image");
    EXPECT_EQ(problem_of("tuning = fast"), "4: tuning 'fast' is not NAME=VALUE");
    EXPECT_EQ(problem_of("initrd ="), "4: 'initrd' has no value");
    EXPECT_EQ(problem_of("please"), "4: 'please' is neither [vm NAME] nor KEY = VALUE");
}

// The policy of a VM with this line added.
MemoryPolicy policy_of(const std::string& line) {
    const Recorder found = parse("[vm a]\nkernel = k\nmemory = 64M\n" + line + "\n");
    EXPECT_TRUE(found.problems.empty()) << line << ": " << found.problems[0];
    return found.vms.empty() ? MemoryPolicy() : found.vms[0].policy;
}

NodeSet nodes(std::initializer_list<NodeId> list) {
    NodeSet set;
    for (const NodeId node : list)
        set.add(node);
    return set;
}

TEST(Config, ReadsPolicies) {
    using Kind = MemoryPolicy::Kind;
    EXPECT_EQ(policy_of("").kind, Kind::Local);
    EXPECT_EQ(policy_of("policy = local").kind, Kind::Local);
    EXPECT_EQ(policy_of("policy = preferred 3").kind, Kind::Preferred);
    EXPECT_EQ(policy_of("policy = preferred 3").nodes, nodes({3}));
    EXPECT_EQ(policy_of("policy = preferred\nnode = 5").nodes, nodes({5}));
    EXPECT_EQ(policy_of("policy = bind\nnode = 5").nodes, nodes({5}));
    EXPECT_EQ(policy_of("policy = bind 0,2 - 4 , 63").nodes, nodes({0, 2, 3, 4, 63}));
    EXPECT_EQ(policy_of("policy = bind\t7\nnode = 1").nodes, nodes({7}));
    EXPECT_EQ(policy_of("policy = interleave").kind, Kind::Interleave);
    EXPECT_TRUE(policy_of("policy = interleave\nnode = 1").nodes.empty());
    const MemoryPolicy weighted = policy_of("policy = interleave 0:3, 2-3:255, 5");
    EXPECT_EQ(weighted.nodes, nodes({0, 2, 3, 5}));
    EXPECT_EQ(weighted.weights[0], 3);
    EXPECT_EQ(weighted.weights[2], 255);
    EXPECT_EQ(weighted.weights[3], 255);
    EXPECT_EQ(weighted.weights[5], 1);
}

TEST(Config, NamesTheLineAndTheFaultOfAPolicy) {
    EXPECT_EQ(problem_of("policy = near"), "4: policy 'near' is not supported (local, preferred NODE, "
                                           "interleave NODES, bind NODES)");
    EXPECT_EQ(problem_of("policy = local 1"), "4: policy local names no nodes; 'node' says which is its own");
    EXPECT_EQ(problem_of("policy = bind"), "4: policy bind needs to be told nodes");
    EXPECT_EQ(problem_of("policy = preferred"), "4: policy preferred needs to be told a node");
    EXPECT_EQ(problem_of("policy = preferred 1,2"), "4: policy preferred names one node");
    EXPECT_EQ(problem_of("policy = bind 64"), "4: node 64 is above the last possible, 63");
    EXPECT_EQ(problem_of("policy = bind 99999999999999999999"),
              "4: '99999999999999999999' is no NUMA node number");
    EXPECT_EQ(problem_of("policy = bind one"), "4: 'one' is no NUMA node number");
    EXPECT_EQ(problem_of("policy = bind 0,,1"), "4: '' is no NUMA node number");
    EXPECT_EQ(problem_of("policy = bind 0,"), "4: a node is missing behind the last ','");
    EXPECT_EQ(problem_of("policy = bind 3-1"), "4: the nodes '3-1' are no range");
    EXPECT_EQ(problem_of("policy = bind 3-"), "4: '' is no NUMA node number");
    EXPECT_EQ(problem_of("policy = bind 0-2,1"), "4: node 1 is named twice");
    EXPECT_EQ(problem_of("policy = bind 0:2"), "4: '0:2': only interleave has weights, from 1 to 255");
    for (const std::string weight : {"0", "256", "", "x", "1:1"})
        EXPECT_EQ(problem_of("policy = interleave 0:" + weight),
                  "4: '0:" + weight + "': only interleave has weights, from 1 to 255");
}

TEST(Config, ChecksMemory) {
    const auto memory = [](const std::string& value) {
        const std::string text = "[vm a]\nkernel = k\nmemory = " + value + "\n";
        const Recorder found = parse(text);
        return found.problems.empty() ? std::string() : found.problems[0];
    };
    EXPECT_EQ(memory("2M"), "");
    EXPECT_EQ(memory("2048K"), "");
    EXPECT_EQ(memory("128g"), "");
    EXPECT_EQ(memory("1M"), "3: memory '1M' is too little: at least 2M");
    EXPECT_EQ(memory("3M"), "3: memory '3M' is not a multiple of 2M");
    EXPECT_EQ(memory("130G"), "3: memory '130G' is too much: at most 128G");
    EXPECT_EQ(memory("2M\nprivate = 1G"), "");
    EXPECT_EQ(memory("2M\nprivate = 2G"), "4: private '2G' is too much: at most 1G");
    EXPECT_EQ(memory("lots"), "3: memory 'lots' is no size (such as 512M or 1G)");
    EXPECT_EQ(memory("M"), "3: memory 'M' is no size (such as 512M or 1G)");
    EXPECT_EQ(memory("99999999999999999999"),
              "3: memory '99999999999999999999' is no size (such as 512M or 1G)");
    EXPECT_EQ(memory("18446744073709551615G"),
              "3: memory '18446744073709551615G' is no size (such as 512M or 1G)");
}

TEST(Config, ChecksWhatAKindNeeds) {
    EXPECT_EQ(parse("[vm a]\nmemory=64M").problems,
              std::vector<std::string>{"1: a riscv64 VM needs a 'kernel' or a 'firmware'"});
    EXPECT_EQ(parse("[vm a]\nkernel=k").problems, std::vector<std::string>{"1: 'memory' is missing"});
    EXPECT_EQ(parse("[vm a]\nkind=native\nmemory=64M").problems,
              std::vector<std::string>{"1: a native VM needs a 'kernel'"});
    EXPECT_EQ(parse("[vm a]\nkind=native\nmemory=64M\nkernel=k\nfirmware=f").problems,
              std::vector<std::string>{"5: 'firmware' is for riscv64 VMs"});
    EXPECT_EQ(parse("[vm a]\nkind=native\nmemory=64M\nkernel=k\nvcpus=2").problems,
              std::vector<std::string>{"1: a native VM has one vCPU"});
    EXPECT_TRUE(parse("[vm a]\nmemory=64M\nfirmware=f").problems.empty());
}

TEST(Config, ChecksSections) {
    EXPECT_EQ(parse("memory = 1G").problems,
              std::vector<std::string>{"1: 'memory' comes before any [vm NAME]"});
    EXPECT_EQ(parse("[net x]").problems,
              std::vector<std::string>{"1: unknown section '[net x]' (expected [vm NAME])"});
    EXPECT_EQ(parse("[vm a b]").problems.size(), 1u);
    EXPECT_EQ(parse("[vm ]").problems.size(), 1u);
    EXPECT_EQ(parse("[vm " + std::string(33, 'x') + "]").problems.size(), 1u);
    const Recorder twice = parse("[vm a]\nkernel=k\nmemory=2M\n[vm a]\nkernel=k\nmemory=2M\n");
    EXPECT_EQ(twice.problems, std::vector<std::string>{"4: there is a vm 'a' already in line 1"});
    EXPECT_EQ(twice.vms.size(), 1u);
    EXPECT_TRUE(parse("").problems.empty());
    EXPECT_TRUE(parse("\n\n# nothing\n").vms.empty());
}

TEST(Config, LimitsListsWithAMessage) {
    std::string text = "[vm a]\nkernel=k\nmemory=2M\n";
    for (std::size_t i = 0; i <= kMaxDisks; ++i)
        text += "disk = d\n";
    EXPECT_EQ(parse(text).problems, std::vector<std::string>{"12: more than 8 disks"});
}

TEST(Config, SurvivesEveryBytePairInAKeyLine) {
    for (int a = 0; a < 256; ++a)
        for (const char b : {'=', '[', ']', ' ', '\n', '\0', '\xff'}) {
            const std::string text =
                std::string("[vm a]\n") + static_cast<char>(a) + b + "= 3\nkernel" + b + static_cast<char>(a);
            const Recorder found = parse(text);
            EXPECT_EQ(found.vms.size(), 0u);
        }
}

} // namespace
} // namespace ashlar::kernel
