#include "kernel/config.h"

#include <algorithm>

#include "kernel/config_text.h"
#include "lib/format.h"

namespace ashlar::kernel {
namespace {

constexpr std::uint64_t kMiB = 1024 * 1024, kGiB = 1024 * kMiB;
constexpr std::uint64_t kMemoryGranule = 2 * kMiB;
constexpr std::uint64_t kMaxMemory = 128 * kGiB; // guest RAM ends below the VM's private memory
constexpr std::uint64_t kMaxPrivate = 1 * kGiB;  // what the entry tables map

bool is_name_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
}

bool is_vm_name(std::string_view name) {
    return !name.empty() && name.size() <= kMaxVmName &&
           std::all_of(name.begin(), name.end(), is_name_character);
}

// Splits text into lines, without their ends.
class Lines {
public:
    explicit Lines(std::string_view text) : rest_(text) {}
    bool next(std::string_view& line) {
        if (rest_.empty())
            return false;
        const std::size_t end = std::min(rest_.find('\n'), rest_.size());
        line = trim(rest_.substr(0, end));
        rest_.remove_prefix(std::min(end + 1, rest_.size()));
        return true;
    }

private:
    std::string_view rest_;
};

// The NAME of "[vm NAME]", if the line is a section header of a VM.
std::optional<std::string_view> vm_header(std::string_view line) {
    if (!line.starts_with('[') || !line.ends_with(']'))
        return std::nullopt;
    line = trim(line.substr(1, line.size() - 2));
    if (!line.starts_with("vm") || line.size() < 3 || !is_blank(line[2]))
        return std::nullopt;
    return trim(line.substr(3));
}

class Parser {
public:
    Parser(std::string_view text, ConfigVisitor& visitor) : text_(text), visitor_(visitor) {}

    void run() {
        Lines lines(text_);
        for (std::string_view line; lines.next(line);) {
            ++line_;
            if (line.empty() || line.front() == '#')
                continue;
            if (line.front() == '[')
                begin_section(line);
            else
                assignment(line);
        }
        end_section();
    }

private:
    // Keys that may be given once, to find the second.
    enum Key : unsigned {
        kKind,
        kMemory,
        kPrivate,
        kVcpus,
        kNode,
        kPolicy,
        kStatistics,
        kFirmware,
        kKernel,
        kInitrd,
        kCommandLine,
    };

    template <class... Arguments>
    void problem(unsigned line, FormatString<Arguments...> text, const Arguments&... arguments) {
        BufferSink<200> message;
        format(message, text, arguments...);
        visitor_.problem(line, message.view());
        faulty_ = true;
    }

    void begin_section(std::string_view line) {
        end_section();
        vm_ = VmConfig{};
        seen_ = 0;
        faulty_ = false;
        in_section_ = true;
        vm_.line = line_;
        const auto name = vm_header(line);
        if (!name) {
            problem(line_, "unknown section '{}' (expected [vm NAME])", line);
            return;
        }
        vm_.name = *name;
        if (!is_vm_name(*name))
            problem(line_, "'{}' is no VM name: 1 to {} letters, digits, '-', '_' and '.'", *name,
                    kMaxVmName);
        else if (const unsigned first = first_use_of(*name); first != line_)
            problem(line_, "there is a vm '{}' already in line {}", *name, first);
    }

    // The line of the first section of that name.
    unsigned first_use_of(std::string_view name) const {
        Lines lines(text_);
        unsigned number = 0;
        for (std::string_view line; lines.next(line);) {
            ++number;
            if (vm_header(line) == name)
                break;
        }
        return number;
    }

    void end_section() {
        if (!in_section_)
            return;
        in_section_ = false;
        check_complete();
        if (faulty_)
            visitor_.rejected(vm_.name);
        else
            visitor_.vm(vm_);
    }

    void check_complete() {
        if (faulty_)
            return;
        if (vm_.memory == 0)
            problem(vm_.line, "'memory' is missing");
        if (vm_.kind == VmKind::Native) {
            if (!vm_.kernel.given())
                problem(vm_.line, "a native VM needs a 'kernel'");
            if (vm_.firmware.given())
                problem(vm_.firmware.line, "'firmware' is for riscv64 VMs");
            if (vm_.vcpus != 1)
                problem(vm_.line, "a native VM has one vCPU");
        } else if (!vm_.kernel.given() && !vm_.firmware.given()) {
            problem(vm_.line, "a riscv64 VM needs a 'kernel' or a 'firmware'");
        }
        complete_policy();
    }

    void assignment(std::string_view line) {
        const std::size_t equals = line.find('=');
        if (equals == std::string_view::npos) {
            problem(line_, "'{}' is neither [vm NAME] nor KEY = VALUE", line);
            return;
        }
        const std::string_view key = trim(line.substr(0, equals));
        const std::string_view value = trim(line.substr(equals + 1));
        if (!in_section_)
            problem(line_, "'{}' comes before any [vm NAME]", key);
        else if (value.empty())
            problem(line_, "'{}' has no value", key);
        else
            set(key, value);
    }

    void set(std::string_view key, std::string_view value) {
        if (key == "kind")
            set_kind(value);
        else if (key == "memory")
            set_memory(value);
        else if (key == "private")
            set_private(value);
        else if (key == "vcpus")
            set_vcpus(value);
        else if (key == "node")
            set_node(value);
        else if (key == "policy")
            set_policy(value);
        else if (key == "statistics")
            set_statistics(value);
        else if (key == "firmware")
            set_image(kFirmware, key, value, vm_.firmware);
        else if (key == "kernel")
            set_image(kKernel, key, value, vm_.kernel);
        else if (key == "initrd")
            set_image(kInitrd, key, value, vm_.initrd);
        else if (key == "cmdline") {
            if (once(kCommandLine, key))
                vm_.command_line = value;
        } else if (key == "disk")
            add_disk(value);
        else if (key == "tuning")
            add_tuning(value);
        else
            problem(line_, "unknown key '{}'", key);
    }

    bool once(Key key, std::string_view name) {
        const bool first = (seen_ >> key & 1) == 0;
        seen_ |= 1u << key;
        if (!first)
            problem(line_, "'{}' is given twice", name);
        return first;
    }

    void set_kind(std::string_view value) {
        if (!once(kKind, "kind"))
            return;
        if (value == "riscv64")
            vm_.kind = VmKind::Riscv64;
        else if (value == "native")
            vm_.kind = VmKind::Native;
        else
            problem(line_, "kind '{}' is not supported (riscv64, native)", value);
    }

    std::optional<std::uint64_t> memory_size(std::string_view key, std::string_view value,
                                             std::uint64_t most) {
        const auto size = parse_size(value);
        if (!size)
            problem(line_, "{} '{}' is no size (such as 512M or 1G)", key, value);
        else if (*size < kMemoryGranule)
            problem(line_, "{} '{}' is too little: at least 2M", key, value);
        else if (*size % kMemoryGranule != 0)
            problem(line_, "{} '{}' is not a multiple of 2M", key, value);
        else if (*size > most)
            problem(line_, "{} '{}' is too much: at most {}G", key, value, most / kGiB);
        else
            return size;
        return std::nullopt;
    }

    void set_memory(std::string_view value) {
        if (!once(kMemory, "memory"))
            return;
        vm_.memory_line = line_;
        vm_.memory = memory_size("memory", value, kMaxMemory).value_or(0);
    }

    void set_private(std::string_view value) {
        if (once(kPrivate, "private"))
            vm_.private_memory = memory_size("private", value, kMaxPrivate).value_or(0);
    }

    void set_vcpus(std::string_view value) {
        if (!once(kVcpus, "vcpus"))
            return;
        const auto number = parse_number(value);
        if (!number || *number < 1 || *number > kMaxVcpus)
            problem(line_, "vcpus '{}' is not a number from 1 to {}", value, kMaxVcpus);
        else
            vm_.vcpus = static_cast<unsigned>(*number);
    }

    void set_node(std::string_view value) {
        if (!once(kNode, "node"))
            return;
        const auto number = parse_number(value);
        vm_.node_line = line_;
        if (!number || *number >= kMaxNodes)
            problem(line_, "node '{}' is no NUMA node number", value);
        else
            vm_.node = static_cast<NodeId>(*number);
    }

    void set_policy(std::string_view value) {
        if (!once(kPolicy, "policy"))
            return;
        vm_.policy_line = line_;
        BufferSink<160> fault;
        if (!parse_policy(value, vm_.policy, fault))
            problem(line_, "{}", fault.view());
    }

    void set_statistics(std::string_view value) {
        if (!once(kStatistics, "statistics"))
            return;
        if (value != "own" && value != "machine")
            problem(line_, "statistics '{}' is not supported (own, machine)", value);
        vm_.sees_machine = value == "machine";
    }

    // A policy that needs nodes and names none has those of 'node'.
    void complete_policy() {
        using Kind = MemoryPolicy::Kind;
        MemoryPolicy& policy = vm_.policy;
        if (!policy.nodes.empty() || (policy.kind != Kind::Bind && policy.kind != Kind::Preferred))
            return;
        if (vm_.node)
            policy.nodes.add(*vm_.node);
        else
            problem(vm_.policy_line, "policy {} needs to be told {}", to_string(policy.kind),
                    policy.kind == Kind::Bind ? "nodes" : "a node");
    }

    void set_image(Key key, std::string_view name, std::string_view value, ImageReference& image) {
        if (once(key, name))
            image = {value, line_};
    }

    void add_disk(std::string_view value) {
        DiskConfig disk;
        BufferSink<160> fault;
        if (!parse_disk(value, line_, disk, fault))
            problem(line_, "{}", fault.view());
        else if (vm_.disk_count == kMaxDisks)
            problem(line_, "more than {} disks", kMaxDisks);
        else
            vm_.disks[vm_.disk_count++] = disk;
    }

    void add_tuning(std::string_view value) {
        if (value.find('=') == std::string_view::npos)
            problem(line_, "tuning '{}' is not NAME=VALUE", value);
        else if (vm_.tuning_count == kMaxTuning)
            problem(line_, "more than {} 'tuning' lines", kMaxTuning);
        else
            vm_.tuning[vm_.tuning_count++] = value;
    }

    std::string_view text_;
    ConfigVisitor& visitor_;
    unsigned line_ = 0;
    bool in_section_ = false;
    bool faulty_ = false;
    unsigned seen_ = 0;
    VmConfig vm_;
};

} // namespace

void parse_config(std::string_view text, ConfigVisitor& visitor) {
    Parser(text, visitor).run();
}

} // namespace ashlar::kernel
