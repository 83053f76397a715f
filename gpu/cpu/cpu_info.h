// SPDX-License-Identifier: Apache-2.0
// What the processor is and what this process may use of it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gpu/cpu/kernels.h"

namespace mneme {

std::string cpu_name();          // "AMD EPYC 9354 32-Core Processor", or "unknown CPU"
int available_cpus();            // logical CPUs that the affinity mask allows, at least 1
int available_physical_cores();  // distinct cores among them, at least 1

// Names of BackendOptions::instruction_set that this build has and this CPU runs, best first;
// "scalar" is always the last.
std::vector<std::string_view> available_instruction_sets();

const Kernels& kernels_named(std::string_view set);  // one of available_instruction_sets()

}  // namespace mneme
