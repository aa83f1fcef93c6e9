#include "lib/elf.h"

#include <algorithm>

namespace ashlar::elf {
namespace {

// Elf64_Ehdr, Elf64_Phdr, Elf64_Shdr and Elf64_Sym: offsets of the fields that we read, and sizes.
constexpr std::uint64_t kHeaderSize = 64;
constexpr std::uint64_t kClass = 4, kData = 5, kIdentVersion = 6, kType = 16, kMachine = 18, kEntry = 24;
constexpr std::uint64_t kProgramOffset = 32, kSectionOffset = 40;
constexpr std::uint64_t kProgramEntrySize = 54, kProgramCount = 56, kSectionEntrySize = 58,
                        kSectionCount = 60;
constexpr std::uint64_t kProgramHeaderSize = 56;
constexpr std::uint64_t kSegmentFlags = 4, kSegmentOffset = 8, kSegmentVirtual = 16, kSegmentPhysical = 24;
constexpr std::uint64_t kSegmentFileSize = 32, kSegmentMemorySize = 40;
constexpr std::uint64_t kSectionHeaderSize = 64;
constexpr std::uint64_t kSectionType = 4, kSectionFileOffset = 24, kSectionSize = 32, kSectionLink = 40;
constexpr std::uint64_t kSymbolSize = 24, kSymbolInfo = 4, kSymbolSection = 6, kSymbolValue = 8,
                        kSymbolExtent = 16;

constexpr std::byte kClass64{2}, kLittleEndian{1}, kCurrentVersion{1};
constexpr std::uint32_t kLoad = 1;        // PT_LOAD
constexpr std::uint32_t kSymbolTable = 2; // SHT_SYMTAB
constexpr std::uint32_t kExecuteFlag = 1, kWriteFlag = 2, kReadFlag = 4;

template <class T>
T field(Bytes record, std::uint64_t offset) {
    return load_le<T>(record.data() + offset);
}

Result<Bytes> part(Bytes bytes, std::uint64_t offset, std::uint64_t length) {
    auto found = slice(bytes, offset, length);
    return found.ok() ? std::move(found) : Result<Bytes>(Error::Malformed);
}

// The NUL-terminated string at `offset`, or what there is of it. Not all of what is too long for a name: a
// table may name the same long string in each of its entries.
std::string_view string_at(Bytes strings, std::uint32_t offset) {
    if (offset >= strings.size())
        return {};
    const std::string_view rest(reinterpret_cast<const char*>(strings.data()) + offset,
                                std::min(strings.size() - offset, kMaxNameLength));
    return rest.substr(0, rest.find('\0'));
}

} // namespace

bool is_elf(Bytes bytes) {
    return bytes.size() >= 4 && std::memcmp(bytes.data(), "\177ELF", 4) == 0;
}

Result<File> File::parse(Bytes bytes) {
    if (!is_elf(bytes))
        return Error::Malformed;
    const Bytes header = ASHLAR_TRY(part(bytes, 0, kHeaderSize));
    if (header[kClass] != kClass64 || header[kData] != kLittleEndian ||
        header[kIdentVersion] != kCurrentVersion)
        return Error::Unsupported;
    const auto type = field<std::uint16_t>(header, kType);
    if (type != static_cast<std::uint16_t>(Type::Executable) &&
        type != static_cast<std::uint16_t>(Type::Dynamic))
        return Error::Unsupported;

    File file(bytes);
    file.type_ = static_cast<Type>(type);
    file.machine_ = field<std::uint16_t>(header, kMachine);
    file.entry_ = field<std::uint64_t>(header, kEntry);
    file.segments_offset_ = field<std::uint64_t>(header, kProgramOffset);
    file.segment_count_ = field<std::uint16_t>(header, kProgramCount);
    file.sections_offset_ = field<std::uint64_t>(header, kSectionOffset);
    file.section_count_ = field<std::uint16_t>(header, kSectionCount);

    if (file.segment_count_ != 0 && field<std::uint16_t>(header, kProgramEntrySize) != kProgramHeaderSize)
        return Error::Malformed;
    if (file.section_count_ != 0 && field<std::uint16_t>(header, kSectionEntrySize) != kSectionHeaderSize)
        return Error::Malformed;
    ASHLAR_TRY(part(bytes, file.segments_offset_, file.segment_count_ * kProgramHeaderSize));
    ASHLAR_TRY(part(bytes, file.sections_offset_, file.section_count_ * kSectionHeaderSize));
    return file;
}

Result<std::optional<Segment>> File::loadable_segment(unsigned index) const {
    const Bytes record =
        ASHLAR_TRY(part(bytes_, segments_offset_ + index * kProgramHeaderSize, kProgramHeaderSize));
    Segment segment;
    segment.memory_size = field<std::uint64_t>(record, kSegmentMemorySize);
    if (field<std::uint32_t>(record, 0) != kLoad || segment.memory_size == 0)
        return std::optional<Segment>();
    segment.virtual_address = field<std::uint64_t>(record, kSegmentVirtual);
    segment.physical_address = field<std::uint64_t>(record, kSegmentPhysical);
    segment.file = ASHLAR_TRY(part(bytes_, field<std::uint64_t>(record, kSegmentOffset),
                                   field<std::uint64_t>(record, kSegmentFileSize)));
    if (segment.file.size() > segment.memory_size ||
        segment.virtual_address + segment.memory_size < segment.virtual_address ||
        segment.physical_address + segment.memory_size < segment.physical_address)
        return Error::Malformed;
    const auto flags = field<std::uint32_t>(record, kSegmentFlags);
    segment.read = (flags & kReadFlag) != 0;
    segment.write = (flags & kWriteFlag) != 0;
    segment.execute = (flags & kExecuteFlag) != 0;
    return std::optional<Segment>(segment);
}

std::size_t File::SymbolTable::count() const {
    return symbols.size() / kSymbolSize;
}

Symbol File::SymbolTable::symbol(std::size_t index) const {
    const Bytes record = symbols.subspan(index * kSymbolSize, kSymbolSize);
    return {string_at(strings, field<std::uint32_t>(record, 0)), field<std::uint64_t>(record, kSymbolValue),
            field<std::uint64_t>(record, kSymbolExtent),
            static_cast<Symbol::Kind>(field<std::uint8_t>(record, kSymbolInfo) & 15),
            field<std::uint16_t>(record, kSymbolSection) != 0};
}

Result<File::SymbolTable> File::symbol_table(unsigned section) const {
    const auto header_of = [this](std::uint64_t index) {
        return part(bytes_, sections_offset_ + index * kSectionHeaderSize, kSectionHeaderSize);
    };
    const auto content_of = [this](Bytes header) {
        return part(bytes_, field<std::uint64_t>(header, kSectionFileOffset),
                    field<std::uint64_t>(header, kSectionSize));
    };
    const Bytes header = ASHLAR_TRY(header_of(section));
    if (field<std::uint32_t>(header, kSectionType) != kSymbolTable)
        return SymbolTable{};
    const auto link = field<std::uint32_t>(header, kSectionLink);
    if (link >= section_count_)
        return Error::Malformed;
    const Bytes symbols = ASHLAR_TRY(content_of(header));
    const Bytes strings_header = ASHLAR_TRY(header_of(link));
    return SymbolTable{symbols, ASHLAR_TRY(content_of(strings_header))};
}

Result<std::uint64_t> File::find_symbol(std::string_view name) const {
    std::optional<std::uint64_t> value;
    const Status walked = for_each_symbol([&](const Symbol& symbol) -> Status {
        if (symbol.name != name)
            return {};
        value = symbol.value;
        return Error::Overlap; // enough
    });
    if (value)
        return *value;
    return walked.ok() ? Error::NotFound : walked.error();
}

} // namespace ashlar::elf
