// Hosted programs compute on the CPU that they run on.
#pragma once

#include "arch/x86_64/include/arch/clear.h"
