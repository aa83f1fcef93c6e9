#include "jit/hosted/memory_trace.h"

#include <cerrno>
#include <cstring>
#include <utility>

namespace ashlar::jit::hosted {

namespace {

using Event = MemoryTraceEvent;

constexpr char kMagic[8] = {'A', 'S', 'H', 'M', 'E', 'M', '0', '1'};

// The first byte of a record.
constexpr unsigned kKindBits = 3, kStores = 1 << 3, kLevelShift = 4, kGlobal = 1 << 6, kNotKept = 1 << 7;

std::string problem(const std::string& path) {
    return path + ": " + std::strerror(errno);
}

constexpr std::uint64_t zigzag(std::uint64_t difference) {
    return difference << 1 ^ (difference >> 63 != 0 ? ~std::uint64_t{0} : 0);
}
constexpr std::uint64_t unzigzag(std::uint64_t value) {
    return value >> 1 ^ ((value & 1) != 0 ? ~std::uint64_t{0} : 0);
}

} // namespace

std::unique_ptr<MemoryTraceWriter> MemoryTraceWriter::create(const std::string& path, std::string& error) {
    std::FILE* const file = std::fopen(path.c_str(), "wb");
    if (file == nullptr) {
        error = problem(path);
        return nullptr;
    }
    std::fwrite(kMagic, 1, sizeof kMagic, file);
    return std::unique_ptr<MemoryTraceWriter>(new MemoryTraceWriter(file));
}

MemoryTraceWriter::~MemoryTraceWriter() {
    if (file_ != nullptr)
        std::fclose(file_);
}

bool MemoryTraceWriter::finish(std::string& error) {
    put(static_cast<unsigned>(Event::Kind::End));
    put_number(references_);
    const bool good = std::ferror(file_) == 0 && std::fclose(std::exchange(file_, nullptr)) == 0;
    if (!good)
        error = std::string("the memory trace is not complete: ") + std::strerror(errno);
    return good;
}

void MemoryTraceWriter::put_number(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7)
        put(value | 0x80);
    put(value);
}

bool MemoryTraceWriter::referenced(std::uint64_t address, mmu::Access access) {
    ++references_;
    page_ = address >> kPageShift;
    stores_ = access == mmu::Access::Store;
    const unsigned kind = stores_ ? 2 : 1;
    Seen& seen = filters_[selection_.space][selection_.context][page_ % kTraceFilter];
    if (seen.page != page_)
        seen = {page_, 0};
    else if ((seen.kinds & kind) != 0)
        return false;
    seen.kinds |= kind;
    return true;
}

void MemoryTraceWriter::mapped(const mmu::Mapping& mapping) {
    const bool kept = mapping.uniform && (mapping.whole || mapping.identity);
    put(static_cast<unsigned>(Event::Kind::Reference) | (stores_ ? kStores : 0) |
        (mapping.identity ? 0 : mapping.kind.level) << kLevelShift | (mapping.kind.global ? kGlobal : 0) |
        (kept ? 0 : kNotKept));
    put(mapping.denies);
    put_number(zigzag(page_ - last_page_));
    last_page_ = page_;
}

void MemoryTraceWriter::selected(const mmu::Selection& data) {
    if (any_selection_ && data.space == selection_.space && data.context == selection_.context &&
        data.owner == selection_.owner && data.audience == selection_.audience)
        return;
    any_selection_ = true;
    selection_ = data;
    put(static_cast<unsigned>(Event::Kind::Selection));
    put(data.space);
    put(data.context);
    put(data.owner);
    put(data.audience);
}

// The filters forget at least what a TLB does: a reference too much in the file does no harm.
void MemoryTraceWriter::flushed(const mmu::Flush& flush) {
    if (flush.kind == mmu::Flush::Kind::Context)
        filters_[flush.space][flush.context] = {};
    else
        filters_[flush.space] = {};
    put(static_cast<unsigned>(Event::Kind::Flush));
    put(static_cast<unsigned>(flush.kind));
    put(flush.space);
    put(flush.context);
    put_number(flush.address);
    put_number(flush.size);
}

std::unique_ptr<MemoryTraceReader> MemoryTraceReader::open(const std::string& path, std::string& error) {
    std::FILE* const file = std::fopen(path.c_str(), "rb");
    if (file == nullptr) {
        error = problem(path);
        return nullptr;
    }
    char magic[sizeof kMagic] = {};
    if (std::fread(magic, 1, sizeof magic, file) != sizeof magic ||
        std::memcmp(magic, kMagic, sizeof magic) != 0) {
        std::fclose(file);
        error = path + ": not a memory trace";
        return nullptr;
    }
    return std::unique_ptr<MemoryTraceReader>(new MemoryTraceReader(file));
}

bool MemoryTraceReader::next(Event& event) {
    const int head = std::getc(file_);
    if (head == EOF)
        return false;
    event.kind = static_cast<Event::Kind>(head & ((1 << kKindBits) - 1));
    switch (event.kind) {
    case Event::Kind::Reference: return reference(static_cast<unsigned>(head), event);
    case Event::Kind::Selection: return selection(event);
    case Event::Kind::Flush: return flush(event);
    case Event::Kind::End: return number(event.references);
    }
    return false;
}

bool MemoryTraceReader::number(std::uint64_t& value) {
    value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        const int byte = std::getc(file_);
        if (byte == EOF)
            return false;
        value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0)
            return true;
    }
    return false;
}

bool MemoryTraceReader::small(std::uint64_t& value, std::uint64_t limit) {
    const int byte = std::getc(file_);
    value = static_cast<std::uint64_t>(byte);
    return byte != EOF && value < limit;
}

bool MemoryTraceReader::reference(unsigned head, Event& event) {
    std::uint64_t denies = 0, difference = 0;
    event.stores = (head & kStores) != 0;
    event.leaf = {head >> kLevelShift & 3, (head & kGlobal) != 0};
    event.kept = (head & kNotKept) == 0;
    if (event.leaf.level >= mmu::kLevels || !small(denies, 0x100) || !number(difference))
        return false;
    event.denies = static_cast<mmu::Denials>(denies);
    last_page_ += unzigzag(difference);
    event.page = last_page_;
    return true;
}

bool MemoryTraceReader::selection(Event& event) {
    std::uint64_t audience = 0, space = 0, context = 0, owner = 0;
    if (!small(space, mmu::Mmu::kSpaces) || !small(context, mmu::Mmu::kDataContexts) ||
        !small(owner, mmu::Mmu::kNobody + 1) || !small(audience, 0x100))
        return false;
    event.selection = {space, context, owner, static_cast<mmu::Denials>(audience)};
    return true;
}

bool MemoryTraceReader::flush(Event& event) {
    std::uint64_t kind = 0, space = 0, context = 0;
    mmu::Flush& flush = event.flush;
    if (!small(kind, static_cast<std::uint64_t>(mmu::Flush::Kind::Range) + 1) ||
        !small(space, mmu::Mmu::kSpaces) || !small(context, mmu::Mmu::kDataContexts))
        return false;
    flush = {static_cast<mmu::Flush::Kind>(kind), space, context};
    return number(flush.address) && number(flush.size);
}

} // namespace ashlar::jit::hosted
