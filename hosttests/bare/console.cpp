#include "jit/bare/console.h"

#include <string>

#include <gtest/gtest.h>

#include "hosttests/bare/fake_hypervisor.h"

namespace ashlar::jit::bare {
namespace {

class HypercallConsoleTest : public testing::Test {
protected:
    void write(std::string_view text) { console.write(std::as_bytes(std::span(text))); }
    std::string read(std::size_t capacity = 1000) {
        std::string buffer(capacity, '\0');
        buffer.resize(console.read(std::as_writable_bytes(std::span(buffer))));
        return buffer;
    }
    void type(std::string_view text) {
        fake.input.insert(fake.input.end(), text.begin(), text.end());
        events.console_input = true;
    }

    FakeHypervisor fake;
    Hypervisor hypervisor{fake.windows};
    HypercallConsole console{hypervisor};
};

TEST_F(HypercallConsoleTest, CollectsOutputUntilFlushed) {
    write("one");
    write(" two\n");
    EXPECT_EQ(fake.console_writes, 0u);
    console.flush();
    EXPECT_EQ(fake.output, "one two\n");
    EXPECT_EQ(fake.console_writes, 1u);
    console.flush();
    EXPECT_EQ(fake.console_writes, 1u);
}

TEST_F(HypercallConsoleTest, SendsAFullBufferByItself) {
    const std::string text(10'000, 'x');
    write(text);
    EXPECT_EQ(fake.console_writes, 2u);
    console.flush();
    EXPECT_EQ(fake.output, text);
}

TEST_F(HypercallConsoleTest, RepeatsWhatTheHypervisorDidNotTake) {
    fake.console_takes = 3;
    write("abcdefgh");
    console.flush();
    EXPECT_EQ(fake.output, "abcdefgh");
}

TEST_F(HypercallConsoleTest, AConsoleThatTakesNothingDoesNotHang) {
    fake.console_takes = 0;
    write("lost");
    console.flush();
    fake.console_takes = 100;
    write("kept");
    console.flush();
    EXPECT_EQ(fake.output, "kept");
}

TEST_F(HypercallConsoleTest, AsksForInputOnlyAfterTheInterrupt) {
    EXPECT_EQ(read(), "");
    EXPECT_EQ(fake.console_reads, 0u);
    type("hello");
    EXPECT_TRUE(console.input_waiting());
    EXPECT_EQ(read(2), "he");
    EXPECT_TRUE(console.input_waiting());
    EXPECT_EQ(read(), "llo");
    EXPECT_FALSE(console.input_waiting());
    EXPECT_EQ(fake.console_reads, 1u);
}

TEST_F(HypercallConsoleTest, FetchesLongInputWithoutFurtherInterrupts) {
    const std::string text(700, 'y');
    type(text);
    std::string all;
    while (console.input_waiting())
        all += read(100);
    EXPECT_EQ(all, text);
}

TEST_F(HypercallConsoleTest, IsFlushedOnceBeforeACrash) {
    set_crash_console(&console);
    write("last words");
    flush_console_before_crash();
    EXPECT_EQ(fake.output, "last words");
    write("more");
    flush_console_before_crash();
    EXPECT_EQ(fake.output, "last words");
}

TEST_F(HypercallConsoleTest, DiagnosticLinesAreMarked) {
    DiagnosticSink sink(console);
    format(sink, "disk {}", 1);
    format(sink, " missing\nnext\n");
    console.flush();
    EXPECT_EQ(fake.output, "translator: disk 1 missing\r\ntranslator: next\r\n");
}

} // namespace
} // namespace ashlar::jit::bare
