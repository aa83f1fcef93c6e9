// Reads a flattened device tree that is not trusted: parse() checks the whole structure once, so that walking
// it afterwards cannot leave the blob.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "lib/bytes.h"
#include "lib/fdt.h"
#include "lib/result.h"

namespace ashlar::fdt {

class Tree;

struct Property {
    std::string_view name;
    Bytes value;

    // The first string of the value; empty when it is not NUL-terminated.
    std::string_view string() const;
    // Whether the value is a list of strings that has `text` in it (compatible).
    bool contains(std::string_view text) const;
    // The cell or the two-cell number at byte `offset` of the value.
    Result<std::uint32_t> cell(std::size_t offset = 0) const;
    Result<std::uint64_t> cell64(std::size_t offset = 0) const;
};

// A node of a Tree, cheap to copy; the tree's bytes must outlive it.
class Node {
public:
    std::string_view name() const; // with unit address; empty for the root
    std::optional<Property> property(std::string_view name) const;
    bool compatible(std::string_view with) const;

    // Properties and children in the blob's order: pass the last one to get the next.
    std::optional<Property> first_property() const;
    std::optional<Property> next_property(const Property& after) const;
    std::optional<Node> first_child() const;
    std::optional<Node> next_sibling() const;
    // A child by its name; without "@unit" in `name` any unit address matches.
    std::optional<Node> child(std::string_view name) const;

private:
    friend class Tree;
    Node(const Tree* tree, std::size_t offset) : tree_(tree), offset_(offset) {}

    const Tree* tree_;
    std::size_t offset_; // of the BeginNode token in the structure block
};

class Tree {
public:
    // Malformed when anything at all is out of bounds, unterminated, badly nested or deeper than kMaxDepth;
    // Unsupported for versions this reader does not know. Does not own `blob`, which may be followed by other
    // bytes.
    static Result<Tree> parse(Bytes blob);

    Node root() const { return Node(this, root_); }
    // "/" or an absolute path such as "/cpus/cpu@0"; unit addresses may be left out.
    std::optional<Node> find(std::string_view path) const;
    // The first node at or below the root, in document order, that is compatible with `with`.
    std::optional<Node> find_compatible(std::string_view with) const;
    std::optional<Node> find_phandle(std::uint32_t phandle) const;
    std::size_t total_size() const { return total_size_; }
    // Entry `index` of the memory reservation block; nullopt past the last one.
    struct Reservation {
        std::uint64_t address, size;
    };
    std::optional<Reservation> reservation(std::size_t index) const;

private:
    friend class Node;
    struct Item { // one token of the structure block with what belongs to it
        Token token;
        std::string_view name; // of a node or property
        Bytes value;           // of a property
        std::size_t next;      // offset of the following token
    };
    Tree() = default;
    Status check_structure();
    Status check_reservations(Bytes blob, std::size_t offset);
    Result<Item> item(std::size_t offset) const; // NOPs are skipped
    std::size_t after_node(std::size_t offset) const;
    template <class Predicate>
    std::optional<Node> search(Predicate matches) const;

    Bytes structure_, strings_, reservations_;
    std::size_t total_size_ = 0, root_ = 0;
};

} // namespace ashlar::fdt
