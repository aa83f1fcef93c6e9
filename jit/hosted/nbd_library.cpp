#include "jit/hosted/nbd_library.h"

#include <dlfcn.h>

namespace ashlar::jit::hosted {
namespace {

constexpr char kName[] = "libnbd.so.0";

template <class Function>
bool find(void* library, const char* name, Function& function) {
    function = reinterpret_cast<Function>(dlsym(library, name));
    return function != nullptr;
}

bool find_all(void* library, NbdLibrary& to) {
    return find(library, "nbd_create", to.create) && find(library, "nbd_close", to.close) &&
           find(library, "nbd_get_error", to.get_error) &&
           find(library, "nbd_set_export_name", to.set_export_name) &&
           find(library, "nbd_connect_uri", to.connect_uri) &&
           find(library, "nbd_connect_unix", to.connect_unix) &&
           find(library, "nbd_connect_tcp", to.connect_tcp) && find(library, "nbd_get_size", to.get_size) &&
           find(library, "nbd_get_block_size", to.get_block_size) &&
           find(library, "nbd_is_read_only", to.is_read_only) &&
           find(library, "nbd_can_flush", to.can_flush) && find(library, "nbd_can_trim", to.can_trim) &&
           find(library, "nbd_can_zero", to.can_zero) && find(library, "nbd_aio_pread", to.aio_pread) &&
           find(library, "nbd_aio_pwrite", to.aio_pwrite) && find(library, "nbd_aio_flush", to.aio_flush) &&
           find(library, "nbd_aio_trim", to.aio_trim) && find(library, "nbd_aio_zero", to.aio_zero) &&
           find(library, "nbd_aio_get_fd", to.aio_get_fd) &&
           find(library, "nbd_aio_get_direction", to.aio_get_direction) &&
           find(library, "nbd_aio_is_dead", to.aio_is_dead) && find(library, "nbd_poll", to.poll);
}

} // namespace

const NbdLibrary* NbdLibrary::load(std::string& error) {
    static NbdLibrary library;
    static bool loaded = false;
    if (loaded)
        return &library;
    void* const handle = dlopen(kName, RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr || !find_all(handle, library)) {
        const char* const why = dlerror();
        error = std::string("NBD disks need ") + kName + ", which cannot be used (" +
                (why != nullptr ? why : "unknown reason") + "); on Debian: apt-get install libnbd0";
        return nullptr;
    }
    loaded = true;
    return &library;
}

} // namespace ashlar::jit::hosted
