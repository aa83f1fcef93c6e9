// Formatted output to the console.
#pragma once

#include "arch/cpu.h"
#include "lib/format.h"

namespace ashlar::kernel {

class ConsoleSink final : public Sink {
public:
    // Terminals want a carriage return with each line feed.
    void write(std::string_view text) override {
        for (const char c : text) {
            if (c == '\n')
                arch::console_write("\r\n", 2);
            else
                arch::console_write(&c, 1);
        }
    }
};

template <class... Arguments>
void log(FormatString<Arguments...> text, const Arguments&... arguments) {
    ConsoleSink sink;
    format(sink, text, arguments...);
}

} // namespace ashlar::kernel
