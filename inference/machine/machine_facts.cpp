// SPDX-License-Identifier: Apache-2.0
#include "inference/machine/machine_facts.h"

#include <string_view>

#include "gpu/cpu/cpu_info.h"
#include "inference/run/machine.h"

namespace mneme {
namespace {

// The kernels' name of an instruction set, in the field's words.
std::string instructions_in_words(std::string_view set) {
  if (set == "avx512") return "AVX-512 with VNNI";
  if (set == "avx2") return "AVX2";
  return "no AVX2";
}

}  // namespace

MachineFacts machine_facts() {
  MachineFacts facts;
  facts.processor = cpu_name();
  facts.cores = default_threads();
  facts.instructions = instructions_in_words(available_instruction_sets().front());
  facts.ram = system_memory();
  return facts;
}

std::vector<DeviceInfo> find_gpus() {
  std::vector<DeviceInfo> gpus = devices();
  std::erase_if(gpus, [](const DeviceInfo& device) { return device.id == "cpu"; });
  return gpus;
}

}  // namespace mneme
