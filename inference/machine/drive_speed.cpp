// SPDX-License-Identifier: Apache-2.0
#include "inference/machine/drive_speed.h"

#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <vector>

#include "base/exceptions.h"
#include "engram/bench/drive_reads.h"
#include "engram/bench/scratch_table.h"

namespace mneme {
namespace {

constexpr std::uint64_t kFileBytesMax = 128u << 20;  // more takes 100 ms to give back
constexpr std::uint64_t kFileBytesMin = 16u << 20;   // less is no random place
constexpr std::uint64_t kRoomLeft = 1u << 30;        // as ScratchTable leaves
constexpr double kWriteSeconds = 3;
constexpr double kReadSeconds = 1;  // each of three kinds
constexpr std::uint64_t kLargePages = (1u << 20) / kDrivePageBytes;
constexpr unsigned kLargeReadsInFlight = 8;

Status check_is_on_a_drive(const std::string& folder) {
  struct statfs info {};
  // What may not be written to has no room either, which is the worse reason.
  if (::statfs(folder.c_str(), &info) != 0 || ::access(folder.c_str(), W_OK) != 0) {
    return Error{ErrorCode::io,
                 fmt::format("the drive of {} cannot be measured, which takes a file "
                             "there: {}",
                             folder, std::strerror(errno))};
  }
  if (info.f_type != TMPFS_MAGIC && info.f_type != RAMFS_MAGIC) return {};
  return Error{
      ErrorCode::unsupported,
      fmt::format("{} lies in RAM (tmpfs), not on a drive: there is nothing to measure", folder)};
}

// How large a file the folder has room for.
Result<std::uint64_t> file_bytes_for(const std::string& folder) {
  std::error_code error;
  const auto space = std::filesystem::space(folder, error);
  if (error) {
    return Error{ErrorCode::io, fmt::format("{} cannot be measured: {}", folder, error.message())};
  }
  if (space.available < kRoomLeft + kFileBytesMin) {
    return Error{
        ErrorCode::invalid,
        fmt::format("the drive of {} has {} MiB free and is not measured: it needs {} MiB, "
                    "{} of which stay free",
                    folder, space.available >> 20, (kRoomLeft + kFileBytesMin) >> 20,
                    kRoomLeft >> 20)};
  }
  return std::min<std::uint64_t>(kFileBytesMax, (space.available - kRoomLeft) >> 20 << 20);
}

double percentile(std::vector<double>& sorted, double share) {
  return sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
}

Result<DriveSpeed> measure(const std::string& folder, const std::atomic<bool>& stop,
                           const DriveProgress& progress) {
  const auto report = [&](double fraction, std::string_view what) {
    if (progress) progress(fraction, what);
  };
  RETURN_IF_ERROR(check_is_on_a_drive(folder));
  auto bytes = file_bytes_for(folder);
  if (!bytes) return bytes.error();
  report(0, "writing");
  constexpr double kWriting = 0.25;  // of the whole, as the progress has it
  auto file = ScratchTable::create(
      folder, *bytes, true, [&](double done) { report(kWriting * done, "writing"); }, &stop,
      kWriteSeconds);
  if (!file) return file.error();

  DriveSpeed speed;
  speed.file_bytes = file->bytes();
  std::vector<std::uint64_t> pages(file->bytes() / kDrivePageBytes);
  for (std::size_t i = 0; i < pages.size(); ++i) pages[i] = i;
  std::vector<std::uint64_t> large;
  for (std::uint64_t page = 0; page + kLargePages <= pages.size(); page += kLargePages) {
    large.push_back(page);
  }
  if (large.empty()) {
    return Error{ErrorCode::io, fmt::format("the drive of {} took less than 1 MiB in {} s: it is "
                                            "too slow to be measured",
                                            folder, kWriteSeconds)};
  }
  DriveReadsOptions options;
  options.seconds = kReadSeconds;
  options.cancel = &stop;

  report(kWriting, "large reads");
  options.pages_per_read = kLargePages;
  options.depth = kLargeReadsInFlight;
  const auto large_reads = measure_drive_reads(file->path(), large, options);
  if (!large_reads) return large_reads.error();
  speed.large_bytes_per_second =
      large_reads->per_second * static_cast<double>(kLargePages * kDrivePageBytes);

  report(0.5, "small reads");
  options.pages_per_read = 1;
  options.depth = kSmallReadsInFlight;
  const auto small_reads = measure_drive_reads(file->path(), pages, options);
  if (!small_reads) return small_reads.error();
  speed.small_reads_per_second = small_reads->per_second;

  report(0.75, "one read at a time");
  options.depth = 1;
  auto single = measure_drive_reads(file->path(), pages, options);
  if (!single) return single.error();
  std::ranges::sort(single->us);
  speed.small_read_us = percentile(single->us, 0.5);
  speed.small_read_us_p99 = percentile(single->us, 0.99);
  report(1, "done");
  return speed;
}

}  // namespace

Result<DriveSpeed> measure_drive(const std::string& folder, const std::atomic<bool>& stop,
                                 const DriveProgress& progress) {
  return without_exceptions([&] { return measure(folder, stop, progress); });
}

std::string nearest_folder(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  fs::path nearest = fs::absolute(path, error);
  while (!fs::is_directory(nearest, error) && nearest != nearest.parent_path()) {
    nearest = nearest.parent_path();
  }
  return nearest.string();
}

}  // namespace mneme
