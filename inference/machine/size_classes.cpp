// SPDX-License-Identifier: Apache-2.0
#include "inference/machine/size_classes.h"

#include <algorithm>
#include <array>

namespace mneme {
namespace {

// What decoding reached of the bandwidth that was measured in the same run, Llama-type models of
// 0.1 and 1.2 B on two cores of a shared Xeon: 70 to 77 % beside other programs (README.md, Speed),
// 90 to 95 % where nothing else used the memory. A model that lies in the processor's caches is
// faster. No GPU has run the kernels yet: for one the same share is assumed.
constexpr double kShareMin = 0.70;
constexpr double kShareMax = 0.95;

// Brysbaert, "How many words do we read per minute?" (2019): adults read English silently at 238
// words a minute, which is 4 a second. Current vocabularies take 1.3 to 1.5 tokens for an English
// word.
constexpr double kReadsMin = 5;
constexpr double kReadsMax = 6;

// Of Q4_K_M files as they are published, 4.8 to 5.2 bits a parameter (Llama 3.2 3B: 2.02 GB for
// 3.2 B; Llama 3.1 8B: 4.92 GB; Qwen2.5 32B: 19.9 GB; Llama 3.1 70B: 42.5 GB).
constexpr double kBytesPerParameter = 0.61;

struct ParameterRange {
  std::string_view name;
  double min;  // parameters, 1e9
  double max;
};
constexpr std::array<ParameterRange, 5> kClasses{{{"up to 1 B", 0.1, 1},
                                                  {"1 to 3 B", 1, 3.2},
                                                  {"7 to 14 B", 7, 14.8},
                                                  {"20 to 35 B", 20, 35},
                                                  {"70 B", 70, 72.7}}};

std::uint64_t file_bytes(double parameters) {
  return static_cast<std::uint64_t>(parameters * kBytesPerParameter * 1e9);
}

// What a file needs of `free` bytes beside its weights: keys and values of a context of 8,192
// tokens and working memory, which grow with the model.
constexpr double kBesideShare = 0.15;
constexpr double kBesideBytes = 0.25e9;

// The largest file that `free` bytes have room for.
std::uint64_t room_in(std::uint64_t free) {
  const double room = (static_cast<double>(free) - kBesideBytes) / (1 + kBesideShare);
  return room > 0 ? static_cast<std::uint64_t>(room) : 0;
}

// Files that memories have room for, each by itself, and both together where there is a GPU.
struct Room {
  std::uint64_t gpu = 0;
  std::uint64_t ram = 0;
  explicit Room(const MachineSpeed& machine)
      : gpu(machine.gpu_gb_s > 0 ? room_in(machine.gpu_free_bytes) : 0),
        ram(machine.ram_gb_s > 0 ? room_in(machine.ram_free_bytes) : 0) {}
  std::uint64_t most() const { return gpu + ram; }
};

Pace pace_of(double tokens_min, double tokens_max) {
  if (tokens_min > kReadsMax) return Pace::faster;
  return tokens_max < kReadsMin ? Pace::slower : Pace::about_as_fast;
}

}  // namespace

std::string_view in_words(LiesIn place) {
  constexpr std::array<std::string_view, 4> kWords{"GPU", "GPU and RAM", "RAM", "does not fit"};
  return kWords[static_cast<std::size_t>(place)];
}

std::string_view in_words(Pace pace) {
  constexpr std::array<std::string_view, 3> kWords{"faster than one reads", "about as fast",
                                                   "slower"};
  return kWords[static_cast<std::size_t>(pace)];
}

DecodeEstimate estimate_decode(std::uint64_t file_bytes, const MachineSpeed& machine) {
  const Room room(machine);
  if (file_bytes == 0 || file_bytes > room.most()) return {};
  DecodeEstimate estimate;
  const std::uint64_t on_gpu = std::min(file_bytes, room.gpu);
  estimate.place = on_gpu == file_bytes ? LiesIn::gpu
                   : on_gpu > 0         ? LiesIn::gpu_and_ram
                                        : LiesIn::ram;
  // One after the other: layers on the GPU wait for those in RAM.
  double seconds = 0;
  if (on_gpu > 0) seconds += static_cast<double>(on_gpu) / (machine.gpu_gb_s * 1e9);
  if (on_gpu < file_bytes) {
    seconds += static_cast<double>(file_bytes - on_gpu) / (machine.ram_gb_s * 1e9);
  }
  estimate.tokens_min = kShareMin / seconds;
  estimate.tokens_max = kShareMax / seconds;
  estimate.pace = pace_of(estimate.tokens_min, estimate.tokens_max);
  return estimate;
}

std::vector<SizeClass> size_classes(const MachineSpeed& machine) {
  const std::uint64_t most = Room(machine).most();
  std::vector<SizeClass> classes;
  for (const ParameterRange& range : kClasses) {
    SizeClass size;
    size.name = range.name;
    size.bytes_min = file_bytes(range.min);
    size.bytes_max = file_bytes(range.max);
    if (size.bytes_min <= most) {
      size.bytes_fit = std::min(size.bytes_max, most);
      size.estimate = estimate_decode(size.bytes_fit, machine);
      size.estimate.tokens_max = estimate_decode(size.bytes_min, machine).tokens_max;
      size.estimate.pace = pace_of(size.estimate.tokens_min, size.estimate.tokens_max);
    }
    classes.push_back(size);
  }
  return classes;
}

}  // namespace mneme
