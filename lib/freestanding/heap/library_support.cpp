// The out-of-line parts of libstdc++'s containers and the C functions that the code emitter (xbyak) needs:
// std::list links, the bucket policy of unordered containers, aligned allocation.
#include <cerrno>
#include <cstddef>
#include <list>
#include <unordered_map>

#include "lib/address.h"
#include "lib/freestanding/heap/program_heap.h"

extern "C" {

int posix_memalign(void** block, std::size_t alignment, std::size_t size) noexcept {
    *block = ashlar::heap_allocate(size, alignment);
    return *block != nullptr ? 0 : ENOMEM;
}
void* malloc(std::size_t size) noexcept {
    return ashlar::heap_allocate(size, alignof(std::max_align_t));
}
void free(void* block) noexcept {
    ashlar::heap_free(block);
}
// The emitter asks for the page size, and offers to change the rights of the memory that it writes to, which
// here is the code cache's own business.
long sysconf(int) noexcept {
    return ashlar::kPageSize;
}
int mprotect(void*, std::size_t, int) noexcept {
    return -1;
}

} // extern "C"

namespace std {

namespace __detail {

void _List_node_base::_M_hook(_List_node_base* const position) noexcept {
    _M_next = position;
    _M_prev = position->_M_prev;
    position->_M_prev->_M_next = this;
    position->_M_prev = this;
}
void _List_node_base::_M_unhook() noexcept {
    _M_next->_M_prev = _M_prev;
    _M_prev->_M_next = _M_next;
}

// Powers of two minus one instead of libstdc++'s table of primes: odd, and they double.
size_t _Prime_rehash_policy::_M_next_bkt(size_t at_least) const {
    size_t buckets = 7;
    while (buckets < at_least)
        buckets = buckets * 2 + 1;
    _M_next_resize = static_cast<size_t>(static_cast<float>(buckets) * _M_max_load_factor);
    return buckets;
}
pair<bool, size_t> _Prime_rehash_policy::_M_need_rehash(size_t buckets, size_t elements,
                                                        size_t inserted) const {
    if (elements + inserted <= _M_next_resize)
        return {false, 0};
    const auto wanted = static_cast<size_t>(static_cast<float>(elements + inserted) / _M_max_load_factor) + 1;
    if (wanted < buckets) {
        _M_next_resize = static_cast<size_t>(static_cast<float>(buckets) * _M_max_load_factor);
        return {false, 0};
    }
    return {true, _M_next_bkt(wanted > buckets * 2 ? wanted : buckets * 2)};
}

} // namespace __detail

// FNV-1a.
size_t _Hash_bytes(const void* bytes, size_t length, size_t seed) {
    size_t hash = seed ^ 0xcbf2'9ce4'8422'2325;
    for (size_t i = 0; i < length; ++i)
        hash = (hash ^ static_cast<const unsigned char*>(bytes)[i]) * 0x100'0000'01b3;
    return hash;
}

} // namespace std
