#include "lib/fdt_reader.h"

#include <algorithm>

namespace ashlar::fdt {
namespace {

std::uint32_t field(Bytes blob, std::size_t offset) {
    return load_be<std::uint32_t>(blob.data() + offset);
}

// The NUL-terminated string at `offset`; Malformed when it runs off the end.
Result<std::string_view> string_at(Bytes bytes, std::size_t offset) {
    if (offset >= bytes.size())
        return Error::Malformed;
    const auto* const begin = reinterpret_cast<const char*>(bytes.data());
    const auto* const end = begin + bytes.size();
    const auto* const nul = std::find(begin + offset, end, '\0');
    if (nul == end)
        return Error::Malformed;
    return std::string_view(begin + offset, static_cast<std::size_t>(nul - (begin + offset)));
}

bool same_name(std::string_view node, std::string_view wanted) {
    if (wanted.find('@') == std::string_view::npos)
        node = node.substr(0, node.find('@'));
    return node == wanted;
}

} // namespace

// ------------------------------------------------------------------------------------------ properties

std::string_view Property::string() const {
    const auto text = string_at(value, 0);
    return text.ok() ? text.value() : std::string_view{};
}

bool Property::contains(std::string_view text) const {
    for (std::size_t offset = 0; offset < value.size();) {
        const auto entry = string_at(value, offset);
        if (!entry.ok())
            return false;
        if (entry.value() == text)
            return true;
        offset += entry.value().size() + 1;
    }
    return false;
}

Result<std::uint32_t> Property::cell(std::size_t offset) const {
    return load_be<std::uint32_t>(ASHLAR_TRY(slice(value, offset, 4)).data());
}

Result<std::uint64_t> Property::cell64(std::size_t offset) const {
    return load_be<std::uint64_t>(ASHLAR_TRY(slice(value, offset, 8)).data());
}

// ------------------------------------------------------------------------------------------ tree

Result<Tree> Tree::parse(Bytes blob) {
    if (blob.size() < header::kSize || field(blob, header::kMagicField) != kMagic)
        return Error::Malformed;
    const std::uint32_t total = field(blob, header::kTotalSize);
    if (total < header::kSize || total > blob.size())
        return Error::Malformed;
    if (field(blob, header::kVersionField) < kVersion || field(blob, header::kLastCompatible) > kVersion)
        return Error::Unsupported;
    blob = blob.first(total);

    Tree tree;
    tree.total_size_ = total;
    const auto block = [&](std::size_t offset, std::size_t size) {
        return slice(blob, field(blob, offset), field(blob, size));
    };
    auto structure = block(header::kStructureOffset, header::kStructureSize);
    auto strings = block(header::kStringsOffset, header::kStringsSize);
    if (!structure.ok() || !strings.ok() || field(blob, header::kStructureOffset) % 4 != 0)
        return Error::Malformed;
    tree.structure_ = structure.value();
    tree.strings_ = strings.value();
    ASHLAR_TRY(tree.check_reservations(blob, field(blob, header::kReservationOffset)));
    ASHLAR_TRY(tree.check_structure());
    return tree;
}

Status Tree::check_reservations(Bytes blob, std::size_t offset) {
    for (std::size_t at = offset;; at += kReservationEntrySize) {
        const auto entry = slice(blob, at, kReservationEntrySize);
        if (!entry.ok())
            return Error::Malformed;
        if (load_be<std::uint64_t>(entry.value().data()) == 0 &&
            load_be<std::uint64_t>(entry.value().data() + 8) == 0) {
            reservations_ = blob.subspan(offset, at - offset);
            return {};
        }
    }
}

std::optional<Tree::Reservation> Tree::reservation(std::size_t index) const {
    if (index >= reservations_.size() / kReservationEntrySize)
        return std::nullopt;
    const std::byte* const entry = reservations_.data() + index * kReservationEntrySize;
    return Reservation{load_be<std::uint64_t>(entry), load_be<std::uint64_t>(entry + 8)};
}

Result<Tree::Item> Tree::item(std::size_t offset) const {
    for (;;) {
        const auto cell = slice(structure_, offset, 4);
        if (!cell.ok())
            return Error::Malformed;
        Item item{};
        item.token = static_cast<Token>(load_be<std::uint32_t>(cell.value().data()));
        item.next = offset + 4;
        switch (item.token) {
        case Token::Nop: offset += 4; continue;
        case Token::EndNode:
        case Token::End: return item;
        case Token::BeginNode:
            item.name = ASHLAR_TRY(string_at(structure_, item.next));
            item.next += align_cell(item.name.size() + 1);
            return item;
        case Token::Property: {
            const auto head = slice(structure_, item.next, kPropertyHeaderSize);
            if (!head.ok())
                return Error::Malformed;
            const auto length = load_be<std::uint32_t>(head.value().data());
            const auto value = slice(structure_, item.next + kPropertyHeaderSize, length);
            if (!value.ok())
                return Error::Malformed;
            item.name = ASHLAR_TRY(string_at(strings_, load_be<std::uint32_t>(head.value().data() + 4)));
            item.value = value.value();
            item.next += kPropertyHeaderSize + align_cell(length);
            return item;
        }
        }
        return Error::Malformed;
    }
}

// One root, properties before children, every node closed, then End.
Status Tree::check_structure() {
    unsigned depth = 0;
    bool root_seen = false, properties_allowed = false;
    for (std::size_t offset = 0;;) {
        const Item current = ASHLAR_TRY(item(offset));
        switch (current.token) {
        case Token::BeginNode:
            if (depth == 0 && root_seen)
                return Error::Malformed;
            if (++depth > kMaxDepth)
                return Error::Malformed;
            if (!root_seen)
                root_ = offset;
            root_seen = properties_allowed = true;
            break;
        case Token::Property:
            if (!properties_allowed)
                return Error::Malformed;
            break;
        case Token::EndNode:
            if (depth == 0)
                return Error::Malformed;
            --depth;
            properties_allowed = false;
            break;
        case Token::End: return root_seen && depth == 0 ? Status{} : Status{Error::Malformed};
        case Token::Nop: break;
        }
        offset = current.next;
    }
}

// The offset behind the EndNode that closes the node at `offset`.
std::size_t Tree::after_node(std::size_t offset) const {
    unsigned depth = 0;
    for (;;) {
        const Item current = item(offset).value();
        offset = current.next;
        if (current.token == Token::BeginNode)
            ++depth;
        else if (current.token == Token::EndNode && --depth == 0)
            return offset;
    }
}

std::optional<Node> Tree::find(std::string_view path) const {
    if (!path.starts_with('/'))
        return std::nullopt;
    Node node = root();
    path.remove_prefix(1);
    while (!path.empty()) {
        const std::size_t end = std::min(path.find('/'), path.size());
        const auto next = node.child(path.substr(0, end));
        if (!next)
            return std::nullopt;
        node = *next;
        path.remove_prefix(std::min(end + 1, path.size()));
    }
    return node;
}

template <class Predicate>
std::optional<Node> Tree::search(Predicate matches) const {
    for (std::size_t offset = 0;;) {
        const Item current = item(offset).value();
        if (current.token == Token::End)
            return std::nullopt;
        if (current.token == Token::BeginNode && matches(Node(this, offset)))
            return Node(this, offset);
        offset = current.next;
    }
}

std::optional<Node> Tree::find_compatible(std::string_view with) const {
    return search([&](const Node& node) { return node.compatible(with); });
}

std::optional<Node> Tree::find_phandle(std::uint32_t phandle) const {
    return search([&](const Node& node) {
        const auto found = node.property("phandle");
        return found && found->value.size() == 4 && found->cell().value() == phandle;
    });
}

// ------------------------------------------------------------------------------------------ nodes

std::string_view Node::name() const {
    return tree_->item(offset_).value().name;
}

std::optional<Property> Node::first_property() const {
    const auto next = tree_->item(tree_->item(offset_).value().next);
    if (next.value().token != Token::Property)
        return std::nullopt;
    return Property{next.value().name, next.value().value};
}

std::optional<Property> Node::next_property(const Property& after) const {
    const auto end = static_cast<std::size_t>(after.value.data() - tree_->structure_.data());
    const auto next = tree_->item(end + align_cell(after.value.size()));
    if (next.value().token != Token::Property)
        return std::nullopt;
    return Property{next.value().name, next.value().value};
}

std::optional<Property> Node::property(std::string_view name) const {
    for (auto current = first_property(); current; current = next_property(*current))
        if (current->name == name)
            return current;
    return std::nullopt;
}

bool Node::compatible(std::string_view with) const {
    const auto list = property("compatible");
    return list && list->contains(with);
}

std::optional<Node> Node::first_child() const {
    std::size_t offset = tree_->item(offset_).value().next;
    for (;;) {
        const auto current = tree_->item(offset);
        if (current.value().token == Token::BeginNode)
            return Node(tree_, offset);
        if (current.value().token != Token::Property)
            return std::nullopt;
        offset = current.value().next;
    }
}

std::optional<Node> Node::next_sibling() const {
    const std::size_t offset = tree_->after_node(offset_);
    if (tree_->item(offset).value().token != Token::BeginNode)
        return std::nullopt;
    return Node(tree_, offset);
}

std::optional<Node> Node::child(std::string_view name) const {
    for (auto current = first_child(); current; current = current->next_sibling())
        if (same_name(current->name(), name))
            return current;
    return std::nullopt;
}

} // namespace ashlar::fdt
