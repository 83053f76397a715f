// SPDX-License-Identifier: Apache-2.0
// GgufWriter::write_resumable: files of many gigabytes, written once from front to back.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

#include "inference/base/check.h"
#include "inference/base/file.h"
#include "inference/model/gguf_writer.h"

namespace mneme {
namespace {

Error io_error(std::string_view what, const std::string& path) {
  return Error{ErrorCode::io, fmt::format("cannot {} {}: {}", what, path, std::strerror(errno))};
}

// NAME.part, written at its end only. What lies before its end is right, as far as it was synced.
class PartFile {
 public:
  using Progress = GgufWriter::Progress;

  PartFile(std::string path, const std::function<void(const Progress&)>& progress,
           const std::atomic<bool>* cancel, std::uint64_t total)
      : path_(std::move(path)), progress_(progress), cancel_(cancel), total_(total) {}
  ~PartFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;

  Status open() {
    fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    return fd_ < 0 ? Status(io_error("write", path_)) : Status();
  }

  std::uint64_t at() const { return at_; }

  // Forgets what lies behind `at` and goes on there.
  Status start(std::uint64_t at) {
    if (::ftruncate(fd_, static_cast<off_t>(at)) != 0) return io_error("write", path_);
    at_ = synced_ = at;
    return {};
  }

  Status append(std::span<const std::byte> bytes) {
    if (cancel_ != nullptr && cancel_->load(std::memory_order_relaxed)) {
      return Error{ErrorCode::cancelled, "writing was stopped; the same command goes on with it"};
    }
    while (!bytes.empty()) {
      const ssize_t n = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(at_));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return io_error("write", path_);
      at_ += static_cast<std::uint64_t>(n);
      bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
    if (at_ - synced_ >= GgufWriter::kSyncBytes) RETURN_IF_ERROR(sync());
    if (progress_ && at_ - reported_ >= GgufWriter::kFillBytes) {
      progress_({at_, total_});
      reported_ = at_;
    }
    return {};
  }

  Status pad_to(std::uint64_t at) {
    CHECK(at >= at_);
    return append(std::vector<std::byte>(at - at_));
  }

  Status sync() {
    if (::fdatasync(fd_) != 0) return io_error("write", path_);
    // Nobody reads it soon; the page cache is for others.
    ::posix_fadvise(fd_, 0, 0, POSIX_FADV_DONTNEED);
    synced_ = at_;
    return {};
  }

 private:
  const std::string path_;
  const std::function<void(const Progress&)>& progress_;
  const std::atomic<bool>* const cancel_;
  const std::uint64_t total_;
  int fd_ = -1;
  std::uint64_t at_ = 0;
  std::uint64_t synced_ = 0;
  std::uint64_t reported_ = 0;
};

// How much of NAME.part may be kept; 0 where there is none.
Result<std::uint64_t> kept_bytes(const std::string& part, const std::string& head) {
  std::error_code code;
  if (!std::filesystem::exists(part, code)) return std::uint64_t{0};
  auto file = File::open(part);
  if (!file) return file.error();
  if (file->size() < head.size()) return std::uint64_t{0};
  std::string there(head.size(), '\0');
  RETURN_IF_ERROR(file->read_at(0, std::as_writable_bytes(std::span(there))));
  if (there != head) {
    return Error{ErrorCode::invalid,
                 fmt::format("{} was begun with another input or other options: remove it to start "
                             "anew",
                             part)};
  }
  // What was not synced yet may be lost where the machine lost its power.
  const std::uint64_t safe = file->size() / GgufWriter::kSyncBytes;
  return std::max<std::uint64_t>(head.size(), safe > 0 ? (safe - 1) * GgufWriter::kSyncBytes : 0);
}

Status check_room(const std::string& path, std::uint64_t needed) {
  std::error_code code;
  const auto folder = std::filesystem::absolute(path, code).parent_path();
  const auto space = std::filesystem::space(folder, code);
  if (code) {
    return Error{ErrorCode::io,
                 fmt::format("cannot write into {}: {}", folder.string(), code.message())};
  }
  if (space.available >= needed) return {};
  return Error{ErrorCode::io, fmt::format("{} needs {:.1f} GB more; {:.1f} GB are free there", path,
                                          static_cast<double>(needed) / 1e9,
                                          static_cast<double>(space.available) / 1e9)};
}

}  // namespace

Status GgufWriter::write_resumable(const std::string& path,
                                   const std::function<void(const Progress&)>& progress,
                                   const std::atomic<bool>* cancel) const {
  std::error_code code;
  if (std::filesystem::exists(path, code)) {
    return Error{ErrorCode::invalid,
                 fmt::format("{} exists already, and is not overwritten", path)};
  }
  const std::string part = path + ".part";
  const std::string header = head();
  const std::uint64_t total = header.size() + data_bytes_;
  auto kept = kept_bytes(part, header);
  if (!kept) return kept.error();
  RETURN_IF_ERROR(check_room(path, total - std::min(total, *kept)));
  PartFile file(part, progress, cancel, total);
  RETURN_IF_ERROR(file.open());
  std::vector<std::byte> stretch;
  bool started = *kept == 0;
  if (started) {
    RETURN_IF_ERROR(file.start(0));
    RETURN_IF_ERROR(file.append(std::as_bytes(std::span(header))));
  }
  for (const Tensor& tensor : tensors_) {
    const std::uint64_t begin = header.size() + tensor.offset;
    const std::uint64_t end = begin + tensor.size;
    std::uint64_t from = 0;  // bytes of the tensor that are there
    if (!started) {
      if (*kept >= end) continue;
      started = true;
      if (tensor.fill && *kept > begin) from = (*kept - begin) / kFillBytes * kFillBytes;
      RETURN_IF_ERROR(file.start(std::min(*kept, begin + from)));
    }
    if (from == 0) RETURN_IF_ERROR(file.pad_to(begin));
    if (tensor.produce) {
      RETURN_IF_ERROR(
          tensor.produce([&](std::span<const std::byte> bytes) { return file.append(bytes); }));
    }
    for (std::uint64_t at = from; tensor.fill && at < tensor.size; at += kFillBytes) {
      stretch.resize(std::min(kFillBytes, tensor.size - at));
      RETURN_IF_ERROR(tensor.fill(at, stretch));
      RETURN_IF_ERROR(file.append(stretch));
    }
    CHECK(file.at() == end);
  }
  if (!started) RETURN_IF_ERROR(file.start(std::min(*kept, total)));
  RETURN_IF_ERROR(file.pad_to(total));
  RETURN_IF_ERROR(file.sync());
  if (progress) progress({total, total});
  if (std::rename(part.c_str(), path.c_str()) != 0) return io_error("write", path);
  return {};
}

}  // namespace mneme
