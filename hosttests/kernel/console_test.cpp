#include "kernel/console.h"

#include "hosttests/kernel/kernel_test.h"

namespace ashlar::kernel {
namespace {

using namespace std::string_view_literals;

class FakeCommands final : public Console::Commands {
public:
    void show_statistics() override { ++statistics; }
    void show_memory() override { ++memory_reports; }
    void list_devices() override { ++lists; }
    bool focus(unsigned number) override {
        if (number == 0 || number > vms.size())
            return false;
        console->set_focus(vms[number - 1]);
        return true;
    }
    Console* console = nullptr;
    std::vector<Vm*> vms;
    int statistics = 0, lists = 0, memory_reports = 0;
};

class ConsoleTest : public KernelTest {
protected:
    ConsoleTest() {
        commands.console = &console;
        commands.vms = {&first, &second};
        console.set_focus(&first);
    }
    ~ConsoleTest() override {
        first.destroy();
        second.destroy();
    }
    void type(std::string_view text) {
        machine().console_input = text;
        console.poll_input();
    }
    static std::string input_of(Vm& vm) {
        std::string text;
        while (!vm.input().empty())
            text += vm.input().pop();
        return text;
    }

    Vm& first = create("one");
    Vm& second = create("two");
    FakeCommands commands;
    Console console{commands};
};

TEST_F(ConsoleTest, SingleVmsOutputIsUntouched) {
    constexpr std::string_view text = "a\nb\r\n\x1b[1m\0c\xff"sv;
    console.write(first, text);
    console.write(first, "");
    EXPECT_EQ(output(), text);
}

TEST_F(ConsoleTest, SharedLinesBeginWithTheVmsName) {
    console.set_shared(true);
    console.write(first, "a\nb");
    console.write(first, "c\n\n");
    EXPECT_EQ(output(), "[one] a\n[one] bc\n[one] \n");
}

TEST_F(ConsoleTest, AnotherVmsOutputBeginsANewLine) {
    console.set_shared(true);
    console.write(first, "login: ");
    console.write(second, "x\ny");
    console.write(first, "root\n");
    console.write(second, "z\n");
    EXPECT_EQ(output(), "[one] login: \r\n[two] x\n[two] y\r\n[one] root\n[two] z\n");
}

TEST_F(ConsoleTest, HypervisorsLinesBeginOnTheirOwn) {
    console.begin_own_output();
    EXPECT_EQ(output(), "");
    console.write(first, "half");
    console.begin_own_output();
    console.begin_own_output();
    EXPECT_EQ(output(), "half\r\n");
    console.set_shared(true);
    console.write(second, "half");
    console.begin_own_output();
    console.write(second, "rest\n");
    EXPECT_EQ(output(), "[two] half\r\n[two] rest\n");
}

TEST_F(ConsoleTest, InputGoesToTheFocusAndWakesItOnce) {
    type("ab");
    EXPECT_TRUE(cpu_of(first).pending.test(abi::kConsoleVector));
    // When: more comes before the VM has taken it
    cpu_of(first).pending.reset();
    type("c");
    EXPECT_TRUE(cpu_of(first).pending.none());
    EXPECT_EQ(input_of(first), "abc");
    EXPECT_EQ(input_of(second), "");
    // Then: after it was empty it is told again
    type("d");
    EXPECT_TRUE(cpu_of(first).pending.test(abi::kConsoleVector));
    EXPECT_TRUE(cpu_of(second).pending.none());
}

TEST_F(ConsoleTest, EveryByteButTheEscapeIsInput) {
    std::string all;
    for (int c = 0; c < 256; ++c)
        if (c != 1)
            all += static_cast<char>(c);
    type(all);
    EXPECT_EQ(input_of(first), all);
    EXPECT_EQ(output(), "");
}

TEST_F(ConsoleTest, InputThatNobodyTakesIsBounded) {
    type(std::string(100'000, 'x'));
    const std::size_t kept = input_of(first).size();
    EXPECT_GE(kept, 1024u);
    EXPECT_LE(kept, 4096u);
    type("y");
    EXPECT_EQ(input_of(first), "y");
}

TEST_F(ConsoleTest, FocusIsSwitchedByNumber) {
    type("a\x01"
         "2b\x01"
         "1c");
    EXPECT_EQ(input_of(first), "ac");
    EXPECT_EQ(input_of(second), "b");
    EXPECT_EQ(output(), "ashlar: console: input goes to two\r\nashlar: console: input goes to one\r\n");
    type("\x01"
         "9d");
    EXPECT_EQ(output(), "ashlar: console: there is no VM 9\r\n");
    EXPECT_EQ(input_of(first), "d");
}

TEST_F(ConsoleTest, EscapeTwiceSendsIt) {
    type("\x01");
    EXPECT_EQ(input_of(first), "");
    type("\x01x");
    EXPECT_EQ(input_of(first), "\x01x");
}

TEST_F(ConsoleTest, StatisticsAndHelp) {
    type("\x01s");
    EXPECT_EQ(commands.statistics, 1);
    type("\001m");
    EXPECT_EQ(commands.memory_reports, 1);
    type("\x01p");
    EXPECT_EQ(commands.lists, 1);
    console.write(first, "prompt> ");
    output();
    for (const std::string_view keys : {"\x01h", "\x01?",
                                        "\x01"
                                        "0"}) {
        type(keys);
        EXPECT_NE(output().find("ashlar: console: Ctrl-A 1..9"), std::string::npos) << keys;
    }
    EXPECT_EQ(input_of(first), "");
}

TEST_F(ConsoleTest, NothingRefersToAnEndedVm) {
    console.set_shared(true);
    console.write(first, "last");
    console.forget(first);
    EXPECT_EQ(console.focus(), nullptr);
    type("lost");
    EXPECT_EQ(input_of(first), "");
    console.write(second, "x\n");
    EXPECT_EQ(output(), "[one] last\r\n[two] x\n");
}

} // namespace
} // namespace ashlar::kernel
