// Whether this is a debug build (`make DEBUG=1`): one that checks more than it can afford otherwise.
#pragma once

namespace ashlar {

#ifdef ASHLAR_DEBUG
constexpr bool kDebugBuild = true;
#else
constexpr bool kDebugBuild = false;
#endif

} // namespace ashlar
