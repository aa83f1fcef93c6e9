#include "jit/hosted/disk.h"

#include "jit/hosted/image_file.h"
#include "jit/hosted/nbd_disk.h"
#include "jit/hosted/threaded_disk.h"
#include "jit/hosted/uring_disk.h"

namespace ashlar::jit::hosted {

std::unique_ptr<HostDisk> open_disk(const DiskOption& option, Sink& messages, std::string& error) {
    if (is_nbd_name(option.path))
        return NbdDisk::connect(option, messages, error);
    auto image = open_image(option, error);
    if (!image)
        return nullptr;
    if (option.engine != DiskEngine::Threads) {
        std::string why;
        if (auto disk = UringDisk::create(*image, why))
            return disk;
        if (option.engine == DiskEngine::IoUring) {
            error = option.path + ": io_uring cannot be used here: " + why;
            return nullptr;
        }
        format(messages, "{}: io_uring cannot be used here ({}): threads read and write it instead\n",
               std::string_view(option.path), std::string_view(why));
    }
    return std::make_unique<ThreadedDisk>(std::move(*image));
}

} // namespace ashlar::jit::hosted
