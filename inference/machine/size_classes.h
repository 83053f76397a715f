// SPDX-License-Identifier: Apache-2.0
// What runs well on this machine, by the size of a dense model at 4 bits. All of it is estimated:
// a token reads every weight once, so the memory's bandwidth, of which decoding reaches a measured
// share, over the bytes of the file is tokens a second. Mixtures of experts do not run in Mneme, so
// no class lists them. Pure functions; any thread.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace mneme {

// What a machine was measured to have. A GPU counts where one is chosen by itself
// (DeviceInfo::automatic).
struct MachineSpeed {
  std::uint64_t ram_free_bytes = 0;
  double ram_gb_s = 0;  // read_bandwidth_gb_s(), of the default number of threads; 1e9 bytes
  std::uint64_t gpu_free_bytes = 0;  // 0 = there is no GPU for it
  double gpu_gb_s = 0;               // device_bandwidth_gb_s()
};

enum class LiesIn : std::uint8_t { gpu, gpu_and_ram, ram, nowhere };  // nowhere: it does not fit
std::string_view in_words(LiesIn place);  // "GPU", "GPU and RAM", "RAM", "does not fit"

// Against a person who reads (5 to 6 tokens a second; the sources stand at the figures).
enum class Pace : std::uint8_t { faster, about_as_fast, slower };
std::string_view in_words(Pace pace);  // "faster than one reads", "about as fast", "slower"

struct DecodeEstimate {
  LiesIn place = LiesIn::nowhere;
  double tokens_min = 0;  // a second; both 0 where it does not fit
  double tokens_max = 0;
  Pace pace = Pace::slower;
};

// Of one dense model whose file has so many bytes.
DecodeEstimate estimate_decode(std::uint64_t file_bytes, const MachineSpeed& machine);

struct SizeClass {
  std::string_view name;        // "7 to 14 B"
  std::uint64_t bytes_min = 0;  // of the files at 4 bits
  std::uint64_t bytes_max = 0;
  // The largest of them that fits, bytes_min..bytes_max; 0 where none does. `estimate` goes from
  // this one to the smallest.
  std::uint64_t bytes_fit = 0;
  DecodeEstimate estimate;
};

// From small to large; always the same classes.
std::vector<SizeClass> size_classes(const MachineSpeed& machine);

}  // namespace mneme
