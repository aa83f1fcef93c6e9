#include "kernel/device_tree.h"

#include <optional>

#include "kernel/device_tree_cells.h"
#include "kernel/numa_builder.h"

namespace ashlar::kernel {
namespace {

using fdt::Node;
using fdt::Property;

bool has_type(const Node& node, std::string_view type) {
    const auto property = node.property("device_type");
    return property && property->string() == type;
}

class Reader {
public:
    Reader(const fdt::Tree& tree, std::uint64_t boot_cpu, BootInformation& boot, Sink& diagnostics)
        : tree_(tree),
          boot_cpu_(boot_cpu),
          boot_(boot),
          diagnostics_(diagnostics),
          numa_(boot.numa, diagnostics) {}

    Status run() {
        read_memory();
        if (!has_memory_)
            return Error::Malformed;
        read_reserved();
        read_cpus();
        numa_.finish();
        read_distances();
        numa_.finish_distances();
        return {};
    }

private:
    // Calls visit(base, size) for each sound entry of the node's `reg`.
    template <class Visit>
    void for_each_range(const Node& node, const CellCounts& cells, Visit visit) {
        const auto reg = node.property("reg");
        if (!reg)
            return;
        const std::size_t entry = (cells.address + cells.size) * kCell;
        for (std::size_t at = 0; entry != 0 && at + entry <= reg->value.size(); at += entry) {
            const auto base = number_at(*reg, at, cells.address);
            const auto size = number_at(*reg, at + cells.address * kCell, cells.size);
            PhysicalAddress end;
            if (base && size && *size != 0 && PhysicalAddress(*base).checked_add(*size, end))
                visit(PhysicalAddress(*base), *size);
            else
                format(diagnostics_, "ashlar: device tree: a range of {} makes no sense, it is left out\n",
                       node.name());
        }
    }

    void read_memory() {
        const CellCounts cells = cell_counts(tree_.root());
        for (auto node = tree_.root().first_child(); node; node = node->next_sibling()) {
            if (!has_type(*node, "memory") || !is_enabled(*node))
                continue;
            const auto domain = cell_of(*node, "numa-node-id");
            const bool hot_pluggable = node->property("hotpluggable").has_value();
            for_each_range(*node, cells, [&](PhysicalAddress base, std::uint64_t size) {
                has_memory_ = true;
                boot_.add_range(base, size, MemoryRange::Kind::Usable);
                if (domain && hot_pluggable)
                    numa_.add_hot_pluggable(base, size, *domain);
                else if (domain)
                    numa_.add_memory(base, size, *domain);
            });
        }
    }

    void read_reserved() {
        for (std::size_t i = 0; const auto reservation = tree_.reservation(i); ++i)
            boot_.add_range(PhysicalAddress(reservation->address), reservation->size,
                            MemoryRange::Kind::Reserved);
        const auto reserved = tree_.find("/reserved-memory");
        if (!reserved)
            return;
        const CellCounts cells = cell_counts(*reserved);
        for (auto node = reserved->first_child(); node; node = node->next_sibling())
            if (is_enabled(*node))
                for_each_range(*node, cells, [&](PhysicalAddress base, std::uint64_t size) {
                    boot_.add_range(base, size, MemoryRange::Kind::Reserved);
                });
    }

    void read_cpus() {
        boot_.cpu_count = 0;
        const auto cpus = tree_.find("/cpus");
        const std::size_t address_cells = cpus ? cell_counts(*cpus).address : 0;
        for (auto node = cpus ? cpus->first_child() : std::nullopt; node; node = node->next_sibling()) {
            if (!has_type(*node, "cpu") || !is_enabled(*node))
                continue;
            ++boot_.cpu_count;
            const auto reg = node->property("reg");
            const auto number = reg ? number_at(*reg, 0, address_cells) : std::nullopt;
            if (const auto domain = cell_of(*node, "numa-node-id"))
                numa_.add_cpu(*domain, number == boot_cpu_);
            else
                numa_.add_stray_cpu();
        }
        if (boot_.cpu_count == 0) { // the one that runs this
            boot_.cpu_count = 1;
            numa_.add_stray_cpu();
        }
    }

    void read_distances() {
        const auto map = tree_.find_compatible("numa-distance-map-v1");
        const auto matrix = map ? map->property("distance-matrix") : std::nullopt;
        if (!matrix)
            return;
        constexpr std::size_t kEntry = 3 * kCell; // from, to, distance
        if (matrix->value.size() % kEntry != 0)
            format(diagnostics_, "ashlar: device tree: the last distance is not whole, it is left out\n");
        for (std::size_t at = 0; at + kEntry <= matrix->value.size(); at += kEntry)
            numa_.set_distance(matrix->cell(at).value(), matrix->cell(at + kCell).value(),
                               matrix->cell(at + 2 * kCell).value());
    }

    const fdt::Tree& tree_;
    std::uint64_t boot_cpu_;
    BootInformation& boot_;
    Sink& diagnostics_;
    NumaBuilder numa_;
    bool has_memory_ = false;
};

} // namespace

Status read_device_tree(const fdt::Tree& tree, std::uint64_t boot_cpu, BootInformation& boot,
                        Sink& diagnostics) {
    return Reader(tree, boot_cpu, boot, diagnostics).run();
}

} // namespace ashlar::kernel
