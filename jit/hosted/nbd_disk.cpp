#include "jit/hosted/nbd_disk.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <csignal>

namespace ashlar::jit::hosted {
namespace {

constexpr std::uint32_t kSector = 512, kPage = 4096;
constexpr std::size_t kSerialLength = 20;
constexpr std::size_t kLargestRequest = 32 << 20; // that every server takes
// How long a server may take for what was given up, before its connection is.
constexpr auto kPatience = std::chrono::seconds(10);

bool is_uri(std::string_view name) {
    return name.starts_with("nbd://") || name.starts_with("nbds://") || name.starts_with("nbd+unix://") ||
           name.starts_with("nbds+unix://");
}

// nbd:unix:PATH and nbd:HOST:PORT, without the export's name.
struct Address {
    std::string path, host, port, export_name;
};

Address parse_address(std::string_view name) {
    Address address;
    name.remove_prefix(std::string_view("nbd:").size());
    constexpr std::string_view kExport = ":exportname=";
    if (const std::size_t at = name.find(kExport); at != std::string_view::npos) {
        address.export_name = name.substr(at + kExport.size());
        name = name.substr(0, at);
    }
    if (name.starts_with("unix:")) {
        address.path = name.substr(5);
        return address;
    }
    const std::size_t colon = name.rfind(':');
    address.host = name.substr(0, colon);
    address.port = colon == std::string_view::npos ? "10809" : std::string(name.substr(colon + 1));
    return address;
}

} // namespace

bool is_nbd_name(std::string_view name) {
    return name.starts_with("nbd:") || is_uri(name);
}

std::unique_ptr<NbdDisk> NbdDisk::connect(const DiskOption& option, Sink& messages, std::string& error) {
    const NbdLibrary* const library = NbdLibrary::load(error);
    nbd_handle* const handle = library != nullptr ? library->create() : nullptr;
    if (handle == nullptr) {
        error = option.path + ": " + (library != nullptr ? library->get_error() : error);
        return nullptr;
    }
    std::unique_ptr<NbdDisk> disk(new NbdDisk(*library, handle, option, messages));
    if (!disk->establish(option)) {
        error = option.path + ": cannot connect: " + library->get_error();
        return nullptr;
    }
    return disk->describe(option, error) ? std::move(disk) : nullptr;
}

NbdDisk::NbdDisk(const NbdLibrary& library, nbd_handle* handle, const DiskOption& option, Sink& messages)
    : library_(library),
      handle_(handle),
      messages_(messages),
      name_(option.path),
      serial_(option.serial),
      read_only_(option.read_only),
      requests_(kDepth) {
    for (std::uint32_t tag = 0; tag < kDepth; ++tag) {
        requests_[tag].disk = this;
        requests_[tag].tag = tag;
    }
    // A server that goes away is an error of the call.
    std::signal(SIGPIPE, SIG_IGN);
}

NbdDisk::~NbdDisk() {
    abandon();
    if (handle_ != nullptr)
        library_.close(handle_);
}

bool NbdDisk::establish(const DiskOption& option) {
    if (is_uri(option.path))
        return library_.connect_uri(handle_, option.path.c_str()) == 0;
    const Address address = parse_address(option.path);
    if (library_.set_export_name(handle_, address.export_name.c_str()) != 0)
        return false;
    if (!address.path.empty())
        return library_.connect_unix(handle_, address.path.c_str()) == 0;
    return library_.connect_tcp(handle_, address.host.c_str(), address.port.c_str()) == 0;
}

bool NbdDisk::describe(const DiskOption& option, std::string& error) {
    const auto fail = [&](const std::string& why) {
        error = name_ + ": " + why;
        return false;
    };
    const std::int64_t size = library_.get_size(handle_);
    if (size < 0)
        return fail(std::string("has no size: ") + library_.get_error());
    if (!read_only_ && library_.is_read_only(handle_) != 0)
        return fail("the server lets nobody write (append ,ro to use it without writing)");
    const std::int64_t least = library_.get_block_size(handle_, LIBNBD_SIZE_MINIMUM);
    const std::int64_t preferred = library_.get_block_size(handle_, LIBNBD_SIZE_PREFERRED);
    const std::int64_t largest = library_.get_block_size(handle_, LIBNBD_SIZE_MAXIMUM);
    const std::uint32_t block = option.sector_size != 0 ? option.sector_size : kSector;
    if (least > block)
        return fail("the server wants blocks of " + std::to_string(least) + " bytes" +
                    (least <= kPage ? ": add sector-size=4096" : ""));
    if (size < block)
        return fail("too small for a disk (" + std::to_string(size) + " bytes)");
    capacity_ = static_cast<std::uint64_t>(size) / block * block;
    geometry_.block_size = block;
    const auto physical = static_cast<std::uint32_t>(std::clamp<std::int64_t>(preferred, kPage, 1 << 20));
    if (std::has_single_bit(physical) && physical > block)
        geometry_.physical_block_exponent = static_cast<std::uint8_t>(std::countr_zero(physical / block));
    geometry_.discard_alignment_blocks = std::max(physical / block, 1u);
    largest_ = largest >= block
                   ? std::min<std::size_t>(static_cast<std::size_t>(largest), kLargestRequest) / kPage * kPage
                   : kLargestRequest;
    can_flush_ = library_.can_flush(handle_) > 0;
    can_trim_ = library_.can_trim(handle_) > 0;
    can_zero_ = library_.can_zero(handle_) > 0;
    if (serial_.empty())
        serial_ = name_.substr(name_.find_last_of("/:=") + 1);
    serial_ = serial_.substr(0, kSerialLength);
    return true;
}

// Called by libnbd from within its functions, so on the thread that all calls come from.
int NbdDisk::on_completion(void* request, int* error) {
    const Request& of = *static_cast<Request*>(request);
    of.disk->done_.push_back({of.tag, *error});
    return 1; // libnbd need not remember the command
}

bool NbdDisk::ask(Request& request, const BlockRequest& what) {
    using Kind = BlockRequest::Kind;
    const nbd_completion_callback done{on_completion, &request, nullptr};
    switch (what.kind) {
    case Kind::Read:
    case Kind::Write: return ask_for_step(request);
    case Kind::Flush: return library_.aio_flush(handle_, done, 0) >= 0;
    case Kind::Discard: return library_.aio_trim(handle_, what.length, what.offset, done, 0) >= 0;
    case Kind::WriteZeroes: break;
    }
    const std::uint32_t flags = what.may_unmap ? 0 : LIBNBD_CMD_FLAG_NO_HOLE;
    return library_.aio_zero(handle_, what.length, what.offset, done, flags) >= 0;
}

bool NbdDisk::ask_for_step(Request& request) {
    const nbd_completion_callback done{on_completion, &request, nullptr};
    const std::span<const iovec> step = request.transfer.step();
    if (step.empty())
        return false;
    request.step = std::min(step[0].iov_len, largest_);
    const std::int64_t cookie =
        request.transfer.is_write()
            ? library_.aio_pwrite(handle_, step[0].iov_base, request.step, request.transfer.offset(), done, 0)
            : library_.aio_pread(handle_, step[0].iov_base, request.step, request.transfer.offset(), done, 0);
    return cookie >= 0;
}

std::optional<Status> NbdDisk::start(const BlockRequest& request) {
    using Kind = BlockRequest::Kind;
    if (handle_ == nullptr || lost_)
        return Status(Error::Io);
    if (request.kind == Kind::Flush && !can_flush_)
        return Status(); // the server has nothing that is not durable
    if ((request.kind == Kind::Discard && !can_trim_) || (request.kind == Kind::WriteZeroes && !can_zero_))
        return Status(Error::Unsupported);
    Request& slot = requests_[request.tag];
    slot.kind = request.kind;
    if (request.kind == Kind::Read || request.kind == Kind::Write)
        slot.transfer.begin(request, {1, 1, true});
    ++in_flight_;
    if (ask(slot, request))
        return std::nullopt;
    --in_flight_;
    slot.transfer.end();
    report_loss();
    return Status(Error::Io);
}

std::optional<Status> NbdDisk::finish(Request& request, int error) {
    using Kind = BlockRequest::Kind;
    if (request.kind != Kind::Read && request.kind != Kind::Write)
        return error == 0 ? Status() : Status(Error::Io);
    const Transfer::Progress progress = error == 0
                                            ? request.transfer.advance(static_cast<ssize_t>(request.step))
                                            : Transfer::Progress::Failed;
    if (progress == Transfer::Progress::More && ask_for_step(request))
        return std::nullopt;
    request.transfer.end();
    return progress == Transfer::Progress::Done ? Status() : Status(Error::Io);
}

void NbdDisk::report_loss() {
    if (lost_ || library_.aio_is_dead(handle_) == 0)
        return;
    lost_ = true;
    const char* const why = library_.get_error();
    format(messages_, "{}: the connection is lost ({}): requests fail from now on\n", std::string_view(name_),
           std::string_view(why != nullptr ? why : "closed by the server"));
}

void NbdDisk::poll(BlockCompletions& completions) {
    if (in_flight_ == 0)
        return;
    while (!lost_ && library_.poll(handle_, 0) > 0) {
    }
    report_loss(); // libnbd has failed all commands then
    for (std::vector<Completion> done; !done_.empty();) {
        done.clear();
        done.swap(done_);
        for (const Completion& completion : done) {
            const std::optional<Status> status = finish(requests_[completion.tag], completion.error);
            if (!status)
                continue;
            --in_flight_;
            completions.completed(completion.tag, *status);
        }
    }
}

void NbdDisk::abandon() {
    const auto until = std::chrono::steady_clock::now() + kPatience;
    while (handle_ != nullptr && !lost_ && done_.size() < in_flight_) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
        if (left.count() <= 0 || library_.poll(handle_, static_cast<int>(left.count())) < 0)
            break;
    }
    if (handle_ != nullptr && done_.size() < in_flight_) {
        // Nothing may reach guest memory any more.
        if (!lost_)
            format(messages_, "{}: the server does not answer: requests fail from now on\n",
                   std::string_view(name_));
        library_.close(handle_);
        handle_ = nullptr;
        lost_ = true;
    }
    for (Request& request : requests_)
        request.transfer.end();
    done_.clear();
    in_flight_ = 0;
}

pollfd NbdDisk::wake_up() const {
    if (in_flight_ == 0 || handle_ == nullptr)
        return {-1, 0, 0};
    const unsigned direction = library_.aio_get_direction(handle_);
    const int events = ((direction & LIBNBD_AIO_DIRECTION_READ) != 0 ? POLLIN : 0) |
                       ((direction & LIBNBD_AIO_DIRECTION_WRITE) != 0 ? POLLOUT : 0);
    return {library_.aio_get_fd(handle_), static_cast<short>(events), 0};
}

} // namespace ashlar::jit::hosted
