// ashlar.conf: which VMs to run. docs/configuration.md describes the format for users.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "kernel/disk_config.h"
#include "kernel/memory_policy.h"

namespace ashlar::kernel {

constexpr std::size_t kMaxDisks = 8; // the virtual board has eight virtio-mmio slots
constexpr std::size_t kMaxTuning = 16;
constexpr std::size_t kMaxVmName = 32;
constexpr unsigned kMaxVcpus = 8;

enum class VmKind : std::uint8_t { Riscv64, Native };

// One VM. Views point into the configuration's text.
struct VmConfig {
    std::string_view name;
    unsigned line = 0; // of its section
    VmKind kind = VmKind::Riscv64;
    std::uint64_t memory = 0; // bytes of guest RAM
    unsigned memory_line = 0;
    std::uint64_t private_memory = 0; // bytes for the VM's own kernel; 0: the default of its kind
    unsigned vcpus = 1;
    std::optional<NodeId> node;
    unsigned node_line = 0;
    MemoryPolicy policy;
    unsigned policy_line = 0;
    bool sees_machine = false; // may ask for statistics of the machine
    ImageReference firmware, kernel, initrd;
    std::string_view command_line;
    std::array<DiskConfig, kMaxDisks> disks;
    std::size_t disk_count = 0;
    std::array<std::string_view, kMaxTuning> tuning; // NAME=VALUE each
    std::size_t tuning_count = 0;
};

// Hears what the parser finds, in the text's order.
class ConfigVisitor {
public:
    // A section without a fault.
    virtual void vm(const VmConfig& config) = 0;
    // One fault. `line` counts from 1.
    virtual void problem(unsigned line, std::string_view message) = 0;
    // After the problems of a section: the VM that will not start.
    virtual void rejected(std::string_view name) = 0;

protected:
    ~ConfigVisitor() = default;
};

// Never fails as a whole: a section with a fault costs that VM alone.
void parse_config(std::string_view text, ConfigVisitor& visitor);

} // namespace ashlar::kernel
