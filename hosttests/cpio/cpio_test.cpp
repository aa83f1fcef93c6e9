#include "lib/cpio.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <string>

namespace ashlar::cpio {
namespace {

Bytes bytes_of(const std::string& text) {
    return std::as_bytes(std::span(text.data(), text.size()));
}

std::string text_of(Bytes bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void pad4(std::string& archive) {
    archive.resize((archive.size() + 3) & ~std::size_t{3});
}

void add(std::string& archive, const std::string& name, const std::string& data, unsigned mode = 0100644,
         const char* magic = "070701") {
    char header[111];
    std::snprintf(header, sizeof header, "%s%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", magic, 1u,
                  mode, 0u, 0u, 1u, 0u, static_cast<unsigned>(data.size()), 0u, 0u, 0u, 0u,
                  static_cast<unsigned>(name.size() + 1), 0u);
    archive += header;
    archive += name;
    archive += '\0';
    pad4(archive);
    archive += data;
    pad4(archive);
}

std::string sample() {
    std::string archive;
    add(archive, ".", "", 040755);
    add(archive, "./ashlar.conf", "[vm a]\n");
    add(archive, "images/kernel", "abcde");
    add(archive, "empty", "");
    add(archive, "TRAILER!!!", "", 0);
    return archive;
}

TEST(CpioMeasure, FindsTheEndByHeadersAlone) {
    const std::string archive = sample();
    const std::string longer = archive + "what follows";
    std::uint64_t offset = 0;
    for (unsigned members = 0; members < 5; ++members) {
        // No more than a header and a name.
        const auto member = measure(bytes_of(longer).subspan(offset).first(124), offset);
        ASSERT_TRUE(member.ok()) << members;
        EXPECT_EQ(member.value().is_trailer, members == 4);
        offset = member.value().end;
    }
    EXPECT_EQ(offset, archive.size());
    EXPECT_EQ(measure(bytes_of("what follows"), 0).error(), Error::Malformed);
    EXPECT_EQ(measure(bytes_of(archive).first(109), 0).error(), Error::Malformed);
    EXPECT_EQ(measure(bytes_of(archive).first(111), 0).error(), Error::Malformed); // the name is cut
    std::string nameless = archive;
    nameless.replace(6 + 11 * 8, 8, "00000000");
    EXPECT_EQ(measure(bytes_of(nameless), 0).error(), Error::Malformed);
    nameless.replace(6 + 11 * 8, 8, "ffffffff");
    EXPECT_EQ(measure(bytes_of(nameless), 0).error(), Error::Malformed);
    nameless.replace(6 + 6 * 8, 8, "ffffffff"); // a size is what it is
    nameless.replace(6 + 11 * 8, 8, "00000002");
    EXPECT_EQ(measure(bytes_of(nameless), 4).value().end, 116u + 0x1'0000'0000u);
}

TEST(CpioReader, WalksMembersInOrder) {
    const std::string archive = sample();
    Reader reader(bytes_of(archive));
    const auto directory = reader.next();
    ASSERT_TRUE(directory.ok());
    EXPECT_EQ(directory.value().name, ".");
    EXPECT_FALSE(directory.value().is_regular_file());
    const auto config = reader.next();
    ASSERT_TRUE(config.ok());
    EXPECT_EQ(config.value().name, "ashlar.conf");
    EXPECT_TRUE(config.value().is_regular_file());
    EXPECT_EQ(text_of(config.value().data), "[vm a]\n");
    ASSERT_TRUE(reader.next().ok());
    ASSERT_TRUE(reader.next().ok());
    EXPECT_EQ(reader.next().error(), Error::NotFound);
    EXPECT_EQ(reader.next().error(), Error::NotFound) << "the trailer is sticky";
}

TEST(CpioFind, FindsFilesByName) {
    const std::string archive = sample();
    EXPECT_EQ(text_of(find(bytes_of(archive), "images/kernel").value()), "abcde");
    EXPECT_TRUE(find(bytes_of(archive), "empty").value().empty());
    EXPECT_EQ(find(bytes_of(archive), "kernel").error(), Error::NotFound);
    EXPECT_EQ(find(bytes_of(archive), ".").error(), Error::NotFound) << "a directory is no image";
    EXPECT_EQ(find(bytes_of(archive), "TRAILER!!!").error(), Error::NotFound);
}

TEST(CpioFind, TakesTheChecksummedVariant) {
    std::string archive;
    add(archive, "a", "x", 0100644, "070702");
    add(archive, "TRAILER!!!", "", 0);
    EXPECT_TRUE(is_archive(bytes_of(archive)));
    EXPECT_EQ(text_of(find(bytes_of(archive), "a").value()), "x");
}

TEST(CpioReader, EveryTruncationIsMalformed) {
    const std::string archive = sample();
    const std::size_t trailer = archive.find("TRAILER!!!") + 11; // with its NUL
    for (std::size_t length = 0; length < trailer; ++length) {
        const std::string cut = archive.substr(0, length);
        EXPECT_EQ(find(bytes_of(cut), "nothing").error(), Error::Malformed) << length;
    }
}

TEST(CpioReader, RefusesDamagedHeaders) {
    const std::string good = sample();
    const auto expect_malformed = [&](std::size_t offset, const std::string& with) {
        std::string archive = good;
        archive.replace(offset, with.size(), with);
        EXPECT_EQ(find(bytes_of(archive), "nothing").error(), Error::Malformed) << offset << " " << with;
    };
    constexpr std::size_t kFileSize = 6 + 6 * 8, kNameSize = 6 + 11 * 8;
    expect_malformed(0, "070707");           // the old ASCII format
    expect_malformed(kFileSize, "FFFFFFFF"); // reaches out of the archive
    expect_malformed(kFileSize, "0000000G"); // no hexadecimal digit
    expect_malformed(kNameSize, "FFFFFFFF");
    expect_malformed(kNameSize, "00000000"); // not even room for the NUL
    expect_malformed(kNameSize, "00000001"); // the byte there is not NUL
}

TEST(CpioReader, EmptyInputIsMalformed) {
    EXPECT_FALSE(is_archive({}));
    EXPECT_EQ(Reader({}).next().error(), Error::Malformed);
}

} // namespace
} // namespace ashlar::cpio
