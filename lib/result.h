// Errors as values that must be looked at.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <new>
#include <type_traits>
#include <utility>

#include "lib/assert.h"

namespace ashlar {

enum class Error : std::uint8_t {
    OutOfMemory,     // no frame, heap block or table slot left
    OutOfRange,      // an address, index or length lies outside what the object holds
    Misaligned,      // an address or length lacks the required alignment
    Overlap,         // the range is taken already
    NotFound,        // nothing by that name, address or number
    Malformed,       // the bytes do not follow the format
    Unsupported,     // well-formed, but asks for what we do not do
    Denied,          // the caller has no right to it
    Busy,            // try again later
    Io,              // the device or file reported a failure
    InvalidArgument, // the value makes no sense here
};

constexpr const char* to_string(Error error) {
    switch (error) {
    case Error::OutOfMemory: return "out of memory";
    case Error::OutOfRange: return "out of range";
    case Error::Misaligned: return "misaligned";
    case Error::Overlap: return "overlaps";
    case Error::NotFound: return "not found";
    case Error::Malformed: return "malformed";
    case Error::Unsupported: return "unsupported";
    case Error::Denied: return "denied";
    case Error::Busy: return "busy";
    case Error::Io: return "I/O error";
    case Error::InvalidArgument: return "invalid argument";
    }
    return "unknown error";
}

// A T or the Error that kept it from existing. Reading the side that is not there is a bug and asserts.
template <class T>
class [[nodiscard]] Result {
public:
    using value_type = T;

    Result(T value) : ok_(true) { ::new (&value_) T(std::move(value)); }
    Result(Error error) : error_(error), ok_(false) {}
    Result(Result&& other) noexcept : ok_(other.ok_) {
        if (ok_)
            ::new (&value_) T(std::move(other.value_));
        else
            error_ = other.error_;
    }
    Result(const Result&) = delete;
    Result& operator=(const Result&) = delete;
    Result& operator=(Result&&) = delete;
    ~Result() {
        if (ok_)
            value_.~T();
    }

    bool ok() const { return ok_; }
    explicit operator bool() const { return ok_; }
    T& value() & {
        ASHLAR_ASSERT(ok_);
        return value_;
    }
    const T& value() const& {
        ASHLAR_ASSERT(ok_);
        return value_;
    }
    T&& value() && {
        ASHLAR_ASSERT(ok_);
        return std::move(value_);
    }
    T value_or(T fallback) && { return ok_ ? std::move(value_) : std::move(fallback); }
    Error error() const {
        ASHLAR_ASSERT(!ok_);
        return error_;
    }

private:
    union {
        T value_;
        Error error_;
    };
    bool ok_;
};

// The outcome of an operation that yields nothing.
template <>
class [[nodiscard]] Result<void> {
public:
    using value_type = void;

    constexpr Result() : ok_(true) {}
    constexpr Result(Error error) : error_(error), ok_(false) {}
    constexpr bool ok() const { return ok_; }
    constexpr explicit operator bool() const { return ok_; }
    constexpr void value() const { ASHLAR_ASSERT(ok_); }
    constexpr Error error() const {
        ASHLAR_ASSERT(!ok_);
        return error_;
    }

private:
    Error error_{};
    bool ok_;
};

using Status = Result<void>;

} // namespace ashlar

// TRY(expr): the value of a Result, or return its error from the enclosing function.
#define ASHLAR_TRY(expression)                                                                               \
    ({                                                                                                       \
        auto&& ashlar_try_result = (expression);                                                             \
        if (!ashlar_try_result.ok())                                                                         \
            return ashlar_try_result.error();                                                                \
        std::move(ashlar_try_result).value();                                                                \
    })
