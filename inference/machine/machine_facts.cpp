// SPDX-License-Identifier: Apache-2.0
#include "inference/machine/machine_facts.h"

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "gpu/cpu/cpu_info.h"
#include "gpu/cuda/cuda_module.h"
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

std::vector<DeviceInfo> gpus_of(std::vector<DeviceInfo> devices) {
  std::erase_if(devices, [](const DeviceInfo& device) { return device.id == "cpu"; });
  return devices;
}

bool lacks_its_module(const DeviceInfo& gpu) {
  return gpu.id == "cuda" &&
         std::ranges::none_of(cuda_module_paths(), [](const std::filesystem::path& path) {
           std::error_code error;
           return std::filesystem::exists(path, error);
         });
}

}  // namespace mneme
