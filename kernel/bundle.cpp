#include "kernel/bundle.h"

#include "kernel/config.h"
#include "kernel/embedded.h"
#include "kernel/log.h"
#include "kernel/memory_report.h"
#include "lib/cpio.h"

namespace ashlar::kernel {
namespace {

constexpr std::string_view kConfigName = "ashlar.conf";
constexpr std::uint64_t kMiB = 1 << 20;

const char* to_string(VmKind kind) {
    return kind == VmKind::Native ? "native" : "riscv64";
}

class Starter final : public ConfigVisitor {
public:
    Starter(Bytes archive, FrameAllocator& frames, MemorySource& hypervisor, Scheduler& scheduler)
        : archive_(archive), frames_(frames), hypervisor_(hypervisor), scheduler_(scheduler) {}

    void vm(const VmConfig& config) override {
        VmImages images;
        // All missing images are named, not the first alone.
        bool found = find(config.firmware, images.firmware);
        found &= find(config.kernel, images.kernel);
        found &= find(config.initrd, images.initrd);
        for (std::size_t i = 0; i < config.disk_count; ++i)
            found &= find_disk(config.disks[i], images.disks[i]);
        if (config.node)
            found &= has_nodes(NodeSet::of(*config.node), config.node_line);
        if (!config.node || config.policy.nodes != NodeSet::of(*config.node)) // else said already
            found &= has_nodes(config.policy.nodes, config.policy_line);
        if (!found || !claim_disks(config, images))
            return rejected(config.name);
        images.program = config.kind == VmKind::Native ? images.kernel : embedded_translator();
        start(config, images);
    }

    void start(const VmConfig& config, const VmImages& images) {
        if (config.kind == VmKind::Riscv64 && images.program.empty()) {
            this->problem(config.line, "riscv64 VMs need a translator, which there is not for this host");
            return rejected(config.name);
        }
        BufferSink<256> problem;
        const NodeId home = choose_home(frames_, scheduler_.cpus(), config.policy, config.node);
        const Result<Vm*> vm =
            Vm::create(frames_, hypervisor_, config, images, problem, Placement(config.policy, home));
        if (!vm.ok()) {
            this->problem(line_to_blame(config, vm.error()),
                          problem.view().empty() ? to_string(vm.error()) : problem.view());
            release_disks(images);
            return rejected(config.name);
        }
        if (!assign_devices(config, *vm.value())) {
            vm.value()->destroy();
            release_disks(images);
            return rejected(config.name);
        }
        ++result.started;
        log("ashlar: vm {}: {}, {} MiB, {} vcpu{}, {} disk{}, node {}\n", config.name, to_string(config.kind),
            config.memory / kMiB, config.vcpus, config.vcpus == 1 ? "" : "s", config.disk_count,
            config.disk_count == 1 ? "" : "s", node_text(config));
        scheduler_.add(*vm.value());
        report_placement(*vm.value());
    }

    void problem(unsigned line, std::string_view message) override {
        if (line != 0)
            log("ashlar: {}:{}: {}\n", kConfigName, line, message);
        else // the embedded guest's
            log("ashlar: {}\n", message);
    }
    void rejected(std::string_view name) override {
        ++result.rejected;
        log("ashlar: vm {}: not started\n", name);
    }

    BundleResult result;

private:
    static unsigned line_to_blame(const VmConfig& config, Error error) {
        if (error == Error::OutOfMemory)
            return config.memory_line;
        return config.kind == VmKind::Native ? config.kernel.line : config.line;
    }
    bool find(const ImageReference& image, Bytes& bytes) {
        if (!image.given())
            return true;
        const Result<Bytes> found = cpio::find(archive_, image.name);
        if (found.ok()) {
            bytes = found.value();
            return true;
        }
        BufferSink<256> text;
        format(text, "the bundle has no image {} ({})", image.name, found.error());
        problem(image.line, text.view());
        return false;
    }
    bool find_disk(const DiskConfig& disk, Bytes& bytes) {
        if (disk.source == DiskConfig::Source::Image)
            return find(disk.image, bytes);
        return true; // of claim_disks, and assign_devices
    }
    bool claim_disks(const VmConfig& config, VmImages& images) {
        for (std::size_t i = 0; i < config.disk_count; ++i) {
            const DiskConfig& disk = config.disks[i];
            if (disk.source == DiskConfig::Source::Image || disk.mode == DiskConfig::Mode::Passthrough)
                continue;
            BufferSink<256> text;
            ConsoleSink console;
            MachineDisks* const disks = scheduler_.disks();
            if (disks == nullptr)
                format(text, "disk {}: the machine has no disks", disk.name);
            const Result<VmDisk*> claim = disks != nullptr ? disks->claim(disk, config.name, console, text)
                                                           : Result<VmDisk*>(Error::NotFound);
            if (!claim.ok()) {
                problem(disk.line, text.view().empty() ? to_string(claim.error()) : text.view());
                release_disks(images);
                return false;
            }
            images.machine_disks[i] = claim.value();
        }
        return true;
    }
    void release_disks(const VmImages& images) {
        for (VmDisk* const claim : images.machine_disks)
            if (claim != nullptr)
                scheduler_.disks()->release(claim);
    }
    bool assign_devices(const VmConfig& config, Vm& vm) {
        for (std::size_t i = 0; i < config.disk_count; ++i) {
            const DiskConfig& disk = config.disks[i];
            if (disk.mode != DiskConfig::Mode::Passthrough)
                continue;
            BufferSink<256> text;
            format(text, "disk {}: ", disk.name);
            if (!assign(disk, vm, text)) {
                problem(disk.line, text.view());
                return false;
            }
            log("ashlar: vm {}: device {} is its own\n", config.name,
                disk.name.substr(disk.name.find(':') + 1));
        }
        return true;
    }
    bool assign(const DiskConfig& disk, Vm& vm, Sink& text) {
        Devices* const devices = scheduler_.devices();
        if (devices == nullptr || !devices->dma().active())
            text.write("mode passthrough needs an IOMMU, and none is in use");
        else if (disk.source != DiskConfig::Source::Pci)
            text.write("mode passthrough takes a PCI address");
        else if (const pci::Function* const function = devices->find_function(disk.address);
                 function == nullptr)
            text.write("no device is there");
        else if (scheduler_.disks() != nullptr && !scheduler_.disks()->give_up(*function).ok())
            text.write("VMs have parts of it");
        else
            return vm.assign(*devices, *function, text).ok();
        return false;
    }
    bool has_nodes(NodeSet nodes, unsigned line) {
        const NodeSet missing = nodes.without(NodeSet::first(frames_.node_count()));
        if (missing.empty())
            return true;
        BufferSink<64> text;
        format(text, "the machine has no NUMA node {}", missing.lowest());
        problem(line, text.view());
        return false;
    }
    void report_placement(const Vm& vm) {
        log("ashlar: vm {}: policy {}, memory", vm.name(), to_string(vm.placement().policy().kind));
        ConsoleSink console;
        describe_shares(vm.account(), frames_.node_count(), console);
        const NodeId node = scheduler_.cpus()[vm.host_cpu()].node;
        const unsigned distance = mean_distance(frames_, node, vm.account().frames_on);
        log(", cpu {} of node {}, mean distance {}.{}\n", vm.host_cpu(), node, distance / 10, distance % 10);
    }
    std::string_view node_text(const VmConfig& config) {
        if (!config.node)
            return "any";
        node_.clear();
        format(node_, "{}", *config.node);
        return node_.view();
    }

    Bytes archive_;
    FrameAllocator& frames_;
    MemorySource& hypervisor_;
    Scheduler& scheduler_;
    BufferSink<16> node_;
};

} // namespace

BundleResult start_bundle(Bytes archive, FrameAllocator& frames, MemorySource& hypervisor,
                          Scheduler& scheduler) {
    const Result<Bytes> text = cpio::find(archive, kConfigName);
    if (!text.ok()) {
        log("ashlar: bundle: no {} in it: {}\n", kConfigName, text.error());
        return {.rejected = 1};
    }
    Starter starter(archive, frames, hypervisor, scheduler);
    parse_config({reinterpret_cast<const char*>(text.value().data()), text.value().size()}, starter);
    if (starter.result.started + starter.result.rejected == 0) {
        log("ashlar: {}:1: no VM is configured; add a section [vm NAME]\n", kConfigName);
        starter.result.rejected = 1;
    }
    return starter.result;
}

BundleResult start_embedded_guest(FrameAllocator& frames, MemorySource& hypervisor, Scheduler& scheduler) {
    VmConfig config;
    config.name = "default";
    config.memory = 64 * kMiB;
    VmImages images;
    images.program = embedded_translator();
    images.kernel = embedded_guest();
    Starter starter({}, frames, hypervisor, scheduler);
    starter.start(config, images);
    return starter.result;
}

} // namespace ashlar::kernel
