// SPDX-License-Identifier: Apache-2.0
// Spike's own headers, with everything open: its handlers, TLB and counters have no interface.
#pragma once

#include <array>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <unordered_map>
#include <vector>

#define private public
#define protected public
#include "mmu.h"
#include "processor.h"
#include "sim.h"
#undef protected
#undef private
#include "disasm.h"
