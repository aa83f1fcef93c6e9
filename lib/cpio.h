// Reading a `newc` cpio archive: the format of the boot bundle (and of Linux initramfs images).
#pragma once

#include <string_view>

#include "lib/bytes.h"
#include "lib/result.h"

namespace ashlar::cpio {

// One member. Views point into the archive.
struct Entry {
    std::string_view name; // without a leading "./"
    Bytes data;
    std::uint32_t mode = 0; // as in stat(2)
    bool is_regular_file() const { return (mode & 0170000) == 0100000; }
};

// Walks the members in order. The archive is not trusted: no read passes its end, whatever the headers say.
class Reader {
public:
    explicit Reader(Bytes archive) : archive_(archive) {}
    // NotFound after the trailer; Malformed for a header that is no newc header or points past the end, and
    // when the archive ends without a trailer.
    Result<Entry> next();

private:
    Bytes archive_;
    std::uint64_t offset_ = 0;
};

// What of the archive one member takes.
struct Extent {
    std::uint64_t end; // where the next one begins, from the archive's start
    bool is_trailer;
};
// By its header and name, which `head` begins with; the member begins at `offset`. Malformed as in Reader, or
// when the name is longer than `head`.
Result<Extent> measure(Bytes head, std::uint64_t offset);

// Whether the bytes start like a newc archive.
bool is_archive(Bytes bytes);

// The contents of the first regular file of that name; NotFound, or Malformed when the archive breaks before
// it.
Result<Bytes> find(Bytes archive, std::string_view name);

} // namespace ashlar::cpio
