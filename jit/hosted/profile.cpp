#include "jit/hosted/profile.h"

#include <cerrno>
#include <cstring>
#include <ctime>
#include <sys/mman.h>
#include <unistd.h>

namespace ashlar::jit::hosted {
namespace {

// The format is that of tools/perf/Documentation/jitdump-specification.txt in Linux.
struct DumpHeader {
    std::uint32_t magic = 0x4a695444, version = 1, size = sizeof(DumpHeader), machine = 62 /* EM_X86_64 */,
                  padding = 0, process = 0;
    std::uint64_t timestamp = 0, flags = 0;
};
struct CodeLoad {
    std::uint32_t kind = 0, size = 0;
    std::uint64_t timestamp = 0;
    std::uint32_t process = 0, thread = 0;
    std::uint64_t virtual_address = 0, code_address = 0, code_size = 0, index = 0;
    // Followed by the name, NUL-terminated, and the code.
};
static_assert(sizeof(DumpHeader) == 40 && sizeof(CodeLoad) == 56);

// That of `perf record -k mono`.
std::uint64_t timestamp() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

} // namespace

std::vector<NamedCode> named_code(const Symbols& symbols, const EmittedCode& emitted) {
    BufferSink<512> text;
    if (!emitted.guest.empty()) {
        const std::uint64_t address = emitted.guest.front().virtual_address.value();
        if (const auto place = symbols.find(address))
            format(text, "{}+{:#x}", place->name, place->offset);
        else
            format(text, "guest {:#x}", address);
        format(text, " [tier {}]", emitted.tier);
        return {{std::string(text.view()), emitted.code}};
    }
    std::vector<NamedCode> parts;
    for (std::size_t i = 0; i < emitted.labels.size(); ++i) {
        const std::size_t begin = emitted.labels[i].host_offset;
        const std::size_t end =
            i + 1 < emitted.labels.size() ? emitted.labels[i + 1].host_offset : emitted.code.size();
        if (end != begin)
            parts.push_back({std::string(emitted.labels[i].name) + " [shared]",
                             emitted.code.subspan(begin, end - begin)});
    }
    return parts;
}

std::string PerfMap::default_path() {
    return "/tmp/perf-" + std::to_string(getpid()) + ".map";
}

void PerfMap::code_emitted(const EmittedCode& emitted) {
    for (const auto& [name, code] : named_code(symbols_, emitted))
        format(*file_, "{:x} {:x} {}\n", static_cast<const void*>(code.data()), code.size(),
               std::string_view(name));
    file_->flush();
}

std::unique_ptr<JitDump> JitDump::create(const std::string& directory, const Symbols& symbols,
                                         std::string& error) {
    const std::string path =
        (directory.empty() ? "." : directory) + "/jit-" + std::to_string(getpid()) + ".dump";
    std::FILE* const file = std::fopen(path.c_str(), "w+e");
    if (file == nullptr) {
        error = path + ": cannot write: " + std::strerror(errno);
        return nullptr;
    }
    // perf records which files are mapped executable; so it learns of this one.
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    void* const marker = mmap(nullptr, page, PROT_READ | PROT_EXEC, MAP_PRIVATE, fileno(file), 0);
    if (marker == MAP_FAILED) {
        error = path + ": cannot map it executable: " + std::strerror(errno);
        std::fclose(file);
        return nullptr;
    }
    DumpHeader header;
    header.process = static_cast<std::uint32_t>(getpid());
    header.timestamp = timestamp();
    std::fwrite(&header, sizeof header, 1, file);
    return std::unique_ptr<JitDump>(new JitDump(file, marker, symbols));
}

JitDump::~JitDump() {
    munmap(marker_, static_cast<std::size_t>(sysconf(_SC_PAGESIZE)));
    std::fclose(file_);
}

void JitDump::code_emitted(const EmittedCode& emitted) {
    for (const NamedCode& named : named_code(symbols_, emitted))
        write(named);
    std::fflush(file_); // whatever ends the program
}

void JitDump::write(const NamedCode& named) {
    const auto& [name, code] = named;
    CodeLoad record;
    record.size = static_cast<std::uint32_t>(sizeof record + name.size() + 1 + code.size());
    record.timestamp = timestamp();
    record.process = static_cast<std::uint32_t>(getpid());
    record.thread = static_cast<std::uint32_t>(gettid());
    record.virtual_address = record.code_address = reinterpret_cast<std::uintptr_t>(code.data());
    record.code_size = code.size();
    record.index = index_++;
    std::fwrite(&record, sizeof record, 1, file_);
    std::fwrite(name.c_str(), name.size() + 1, 1, file_);
    std::fwrite(code.data(), code.size(), 1, file_);
}

} // namespace ashlar::jit::hosted
