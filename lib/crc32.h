// CRC-32 as in Ethernet, GPT and zip: polynomial 0x04c11db7, bits reversed, inverted before and after.
#pragma once

#include "lib/bytes.h"

namespace ashlar {

// Of `bytes` after others whose checksum is `before`.
std::uint32_t crc32(Bytes bytes, std::uint32_t before = 0);

} // namespace ashlar
