// Boot protocols, for assembly and C++.
#pragma once

#define PROTOCOL_NONE 0
#define PROTOCOL_PVH 1
#define PROTOCOL_MULTIBOOT2 2
