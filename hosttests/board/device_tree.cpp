#include "jit/board/device_tree.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <unistd.h>

#include "lib/fdt_reader.h"

namespace ashlar::jit::board {
namespace {

std::vector<std::byte> write(const DeviceTreeConfig& config) {
    std::vector<std::byte> buffer(kDeviceTreeCapacity);
    const auto blob = write_device_tree(buffer, config);
    EXPECT_TRUE(blob.ok());
    buffer.resize(blob.ok() ? blob.value().size() : 0);
    return buffer;
}

TEST(DeviceTree, DescribesHartsAndMemory) {
    const auto blob = write({.ram_size = std::uint64_t{5} << 30, .harts = 3, .command_line = {}});
    const auto parsed = fdt::Tree::parse(blob);
    ASSERT_TRUE(parsed.ok());
    const fdt::Tree& tree = parsed.value();
    EXPECT_EQ(tree.find("/memory@80000000")->property("reg")->cell64(8).value(), std::uint64_t{5} << 30);
    EXPECT_EQ(tree.find("/cpus")->property("timebase-frequency")->cell().value(), 10'000'000u);
    EXPECT_EQ(tree.find("/cpus/cpu@2")->property("mmu-type")->string(), "riscv,sv39");
    EXPECT_TRUE(tree.find("/cpus/cpu@2")->property("riscv,isa-extensions")->contains("sstc"));
    EXPECT_FALSE(tree.find("/cpus/cpu@3"));
    // Each controller is wired to an existing hart-local controller.
    for (const char* path : {"/soc/plic", "/soc/clint"}) {
        const auto wires = tree.find(path)->property("interrupts-extended");
        ASSERT_EQ(wires->value.size(), 3u * 16);
        for (std::size_t at = 0; at < wires->value.size(); at += 8)
            EXPECT_TRUE(tree.find_phandle(wires->cell(at).value())->compatible("riscv,cpu-intc"));
    }
    EXPECT_FALSE(tree.find("/chosen")->property("bootargs"));
    EXPECT_FALSE(tree.find("/chosen")->property("linux,initrd-start"));
    EXPECT_FALSE(tree.find("/chosen")->property("rng-seed"));
}

TEST(DeviceTree, FitsTheMostHartsAndALongCommandLine) {
    const std::string line(4096, 'x');
    write({.ram_size = 1 << 30, .harts = kMaxHarts, .command_line = line});
    std::array<std::byte, 1000> small;
    EXPECT_EQ(write_device_tree(small, {.ram_size = 1 << 30}).error(), Error::OutOfMemory);
    EXPECT_EQ(write_device_tree(small, {.ram_size = 1 << 30, .harts = kMaxHarts + 1}).error(),
              Error::InvalidArgument);
}

// ------------------------------------------------------------------------------------------ against QEMU

// Every property with its value, by path. Numbers that the writer is free to choose (phandles and references
// to them) are left out.
using Properties = std::map<std::string, std::string>;

void collect(const fdt::Node& node, const std::string& path, Properties& all) {
    for (auto property = node.first_property(); property; property = node.next_property(*property)) {
        for (const char* free :
             {"phandle", "interrupt-parent", "interrupts-extended", "interrupt-map", "regmap", "cpu"})
            if (property->name == free)
                goto next;
        all[path + ":" + std::string(property->name)] = {
            reinterpret_cast<const char*>(property->value.data()), property->value.size()};
    next:;
    }
    for (auto child = node.first_child(); child; child = child->next_sibling())
        collect(*child, path + "/" + std::string(child->name()), all);
}

Properties qemu_properties() {
    char path[] = "/tmp/ashlar-dtb-XXXXXX";
    close(mkstemp(path));
    const std::string command = std::string("timeout 20 qemu-system-riscv64 -M virt,dumpdtb=") + path +
                                " -m 256M -smp 2 -display none 2>/dev/null";
    Properties all;
    if (std::system(command.c_str()) == 0) {
        std::ifstream file(path, std::ios::binary);
        const std::string text((std::istreambuf_iterator<char>(file)), {});
        const auto tree = fdt::Tree::parse(std::as_bytes(std::span(text)));
        EXPECT_TRUE(tree.ok());
        if (tree.ok())
            collect(tree.value().root(), "", all);
    }
    unlink(path);
    return all;
}

// What is said about a device says the same as QEMU's `virt` board, but for what this board does not have.
TEST(DeviceTree, AgreesWithQemusVirtBoard) {
    const Properties theirs = qemu_properties();
    ASSERT_FALSE(theirs.empty()) << "qemu-system-riscv64 is needed; make setup installs it";
    const auto blob = write({.ram_size = 256 << 20, .harts = 2});
    Properties ours;
    collect(fdt::Tree::parse(blob).value().root(), "", ours);

    const std::array different{":model", "riscv,isa", "mmu-type", "riscv,ndev", "rng-seed"};
    const std::array absent{"/fw-cfg", "/flash", "/pmu", "/platform-bus", "/reserved-memory"};
    const auto mentions = [](const std::string& key, const auto& list) {
        return std::any_of(list.begin(), list.end(),
                           [&](const char* part) { return key.find(part) != std::string::npos; });
    };
    const auto describe = [](const std::string& value) {
        std::string text;
        for (const char c : value)
            text += c >= ' ' && c < 127 ? std::string(1, c)
                                        : "\\" + std::to_string(static_cast<unsigned char>(c));
        return text;
    };
    for (const auto& [key, value] : theirs) {
        if (mentions(key, absent) || mentions(key, different))
            continue;
        const auto found = ours.find(key);
        // QEMU's board has a 64-bit PCIe window behind RAM, too.
        const bool prefix = key.ends_with("pci@30000000:ranges");
        ASSERT_NE(found, ours.end()) << key;
        EXPECT_EQ(describe(found->second), describe(prefix ? value.substr(0, found->second.size()) : value))
            << key;
    }
}

} // namespace
} // namespace ashlar::jit::board
