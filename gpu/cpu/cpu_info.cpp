// SPDX-License-Identifier: Apache-2.0
#include "gpu/cpu/cpu_info.h"

#include <sched.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <set>
#include <thread>
#include <utility>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "base/check.h"

namespace mneme {
namespace {

std::vector<int> allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cpus;
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
    }
  }
  return cpus;
}

int read_topology(int cpu, const char* what) {
  std::ifstream file("/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/" + what);
  int value = -1;
  file >> value;
  return file ? value : -1;
}

}  // namespace

std::string cpu_name() {
#if defined(__x86_64__)
  std::array<std::uint32_t, 4> r{};
  if (__get_cpuid(0x80000000u, &r[0], &r[1], &r[2], &r[3]) && r[0] >= 0x80000004u) {
    std::string name;
    for (std::uint32_t leaf = 0x80000002u; leaf <= 0x80000004u; ++leaf) {
      __get_cpuid(leaf, &r[0], &r[1], &r[2], &r[3]);
      std::array<char, 16> text;
      std::memcpy(text.data(), r.data(), text.size());
      name.append(text.data(), text.size());
    }
    name.resize(std::strlen(name.c_str()));
    const auto first = name.find_first_not_of(' ');
    const auto last = name.find_last_not_of(' ');
    if (first != std::string::npos) return name.substr(first, last - first + 1);
  }
#endif
  return "unknown CPU";
}

int available_cpus() {
  const std::size_t allowed = allowed_cpus().size();
  return std::max(1, allowed ? static_cast<int>(allowed)
                             : static_cast<int>(std::thread::hardware_concurrency()));
}

int available_physical_cores() {
  std::set<std::pair<int, int>> cores;
  for (const int cpu : allowed_cpus()) {
    const int core = read_topology(cpu, "core_id");
    if (core < 0) return available_cpus();  // no topology told: every CPU is its own core
    cores.emplace(read_topology(cpu, "physical_package_id"), core);
  }
  return cores.empty() ? available_cpus() : static_cast<int>(cores.size());
}

#if defined(__x86_64__)
namespace {
// Clang's __builtin_cpu_supports does not know it.
bool has_f16c() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx & bit_F16C) != 0;
}
}  // namespace
#endif

std::vector<std::string_view> available_instruction_sets() {
  std::vector<std::string_view> names;
#if defined(__x86_64__)
  __builtin_cpu_init();
  // The avx512 kernels use byte permutes and integer dot products: Ice Lake, Zen 4 and later.
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vnni")) {
    names.push_back("avx512");
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c()) {
    names.push_back("avx2");
  }
#endif
  names.push_back("scalar");
  return names;
}

const Kernels& kernels_named(std::string_view set) {
#if defined(__x86_64__)
  if (set == "avx512") return kAvx512Kernels;
  if (set == "avx2") return kAvx2Kernels;
#endif
  CHECK(set == "scalar");
  return kScalarKernels;
}

}  // namespace mneme
