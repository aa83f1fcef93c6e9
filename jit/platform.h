// What the engine and the board need from the program they run in: `ashlar-run`, the translator, or a test.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "lib/bytes.h"

namespace ashlar::jit {

class Clock {
public:
    // Nanoseconds since some fixed point; never goes back. Cheap (called once per few thousand guest
    // instructions and for every read of the guest's time CSR).
    virtual std::uint64_t monotonic_ns() = 0;
    // Unix time in nanoseconds.
    virtual std::uint64_t wall_ns() = 0;

protected:
    ~Clock() = default;
};

class Console {
public:
    virtual void write(Bytes bytes) = 0;
    // Takes what waits, at most `buffer.size()` bytes; never blocks.
    virtual std::size_t read(MutableBytes buffer) = 0;

protected:
    ~Console() = default;
};

// True randomness, for the guest to seed its generator with.
class EntropySource {
public:
    // Fills all of `to`, or returns false and leaves it undefined.
    virtual bool fill(MutableBytes to) = 0;

protected:
    ~EntropySource() = default;
};

// What a disk is made of.
struct BlockGeometry {
    std::uint32_t block_size = 512;             // what can be read and written as a unit: 512 or 4096 bytes
    std::uint8_t physical_block_exponent = 0;   // the medium's blocks are 2^this of them
    std::uint16_t minimum_io_blocks = 1;        // smaller requests cost as much
    std::uint32_t optimal_io_blocks = 0;        // for streams; 0: not known
    std::uint32_t discard_alignment_blocks = 1; // of what can be given back
};

// One thing that a disk is asked to do.
struct BlockRequest {
    enum class Kind : std::uint8_t { Read, Write, Flush, Discard, WriteZeroes };
    Kind kind;
    // In bytes, within the capacity, multiples of the block size; nothing for Flush. What Discard has gone
    // over is undefined; WriteZeroes may also give the range back when `may_unmap`.
    std::uint64_t offset = 0, length = 0;
    // Of Read and Write: `length` bytes in pieces of any size and place. The list is valid during start(),
    // the bytes until the request has completed.
    std::span<const MutableBytes> buffers{};
    bool may_unmap = false;
    std::uint32_t tag = 0; // the caller's name for it, not in flight already
};

// Hears of requests that have completed.
class BlockCompletions {
public:
    virtual void completed(std::uint32_t tag, Status status) = 0;

protected:
    ~BlockCompletions() = default;
};

// Serves the virtqueue of a disk by itself: it reads requests from guest memory, moves their data and gives
// them back there. All calls come from one thread.
class QueueServer {
public:
    // A split queue in guest memory, by guest-physical addresses, and the features that its driver accepted.
    struct Queue {
        std::uint16_t size;
        std::uint64_t descriptors, driver, device, features;
    };
    // What the driver is told.
    struct Limits {
        std::uint16_t queue_size;      // at most
        std::uint32_t segments;        // of data, of a request
        std::uint32_t discard_sectors; // of 512 bytes, of a request; 0: cannot
        std::uint32_t zeroes_sectors;
        bool flushes;
    };
    virtual Limits limits() const = 0;
    virtual Status attach(const Queue& queue) = 0;
    // The driver has offered requests. Malformed: it has broken the rules.
    virtual Status kick() = 0;
    // Whether something may have happened to the queue since the last call.
    virtual bool interrupted() = 0;
    // Waits until guest memory is not touched any more; there may be no queue.
    virtual void detach() = 0;

protected:
    ~QueueServer() = default;
};

// A disk, which may work on requests while its caller goes on. All calls come from one thread. Requests in
// flight at the same time may be carried out in any order; a flush is for those that had completed before it
// was started.
class BlockBackend {
public:
    virtual std::uint64_t capacity() const = 0; // bytes, a multiple of the block size
    virtual BlockGeometry geometry() const { return {}; }
    virtual bool read_only() const = 0;
    virtual std::string_view serial() const = 0; // at most 20 characters
    // Tags are below it, and so is the number of requests in flight. At least 1.
    virtual unsigned depth() const = 0;

    // The status when the request has completed at once; otherwise poll() will report it. It may
    // be held back until submit(). Unsupported is a fine answer to Discard and WriteZeroes.
    virtual std::optional<Status> start(const BlockRequest& request) = 0;
    virtual void submit() = 0;
    // Reports what has completed, without waiting. start() may be called from within.
    virtual void poll(BlockCompletions& completions) = 0;
    // Gives up what is in flight, which may have been carried out or not, and waits until none of its buffers
    // is touched any more. Nothing of it is reported.
    virtual void abandon() = 0;

    // Null, or who serves its queue; nothing but what describes the disk is called then.
    virtual QueueServer* queue_server() { return nullptr; }

protected:
    ~BlockBackend() = default;
};

} // namespace ashlar::jit
