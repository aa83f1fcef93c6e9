// libnbd, loaded when it is first needed: programs without NBD disks run where it is not installed.
#pragma once

#include <libnbd.h>
#include <string>

namespace ashlar::jit::hosted {

struct NbdLibrary {
    decltype(&::nbd_create) create;
    decltype(&::nbd_close) close;
    decltype(&::nbd_get_error) get_error;
    decltype(&::nbd_set_export_name) set_export_name;
    decltype(&::nbd_connect_uri) connect_uri;
    decltype(&::nbd_connect_unix) connect_unix;
    decltype(&::nbd_connect_tcp) connect_tcp;
    decltype(&::nbd_get_size) get_size;
    decltype(&::nbd_get_block_size) get_block_size;
    decltype(&::nbd_is_read_only) is_read_only;
    decltype(&::nbd_can_flush) can_flush;
    decltype(&::nbd_can_trim) can_trim;
    decltype(&::nbd_can_zero) can_zero;
    decltype(&::nbd_aio_pread) aio_pread;
    decltype(&::nbd_aio_pwrite) aio_pwrite;
    decltype(&::nbd_aio_flush) aio_flush;
    decltype(&::nbd_aio_trim) aio_trim;
    decltype(&::nbd_aio_zero) aio_zero;
    decltype(&::nbd_aio_get_fd) aio_get_fd;
    decltype(&::nbd_aio_get_direction) aio_get_direction;
    decltype(&::nbd_aio_is_dead) aio_is_dead;
    decltype(&::nbd_poll) poll;

    // Nothing after `error` has been set.
    static const NbdLibrary* load(std::string& error);
};

} // namespace ashlar::jit::hosted
