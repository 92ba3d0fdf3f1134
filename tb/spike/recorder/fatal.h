// SPDX-License-Identifier: Apache-2.0
#pragma once

// Say on the standard error output what went wrong, in a line, and end the process with code 3.
[[noreturn, gnu::format(printf, 1, 2)]] void fatal(const char* format, ...);
