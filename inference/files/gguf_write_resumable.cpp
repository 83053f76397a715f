// SPDX-License-Identifier: Apache-2.0
// GgufWriter::write_resumable: files of many gigabytes, written once from front to back.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/file.h"
#include "base/output_file.h"
#include "inference/files/gguf_writer.h"

namespace mneme {
namespace {

// An output that reports its progress, and stops where it is told to.
class LongOutput {
 public:
  using Progress = GgufWriter::Progress;

  LongOutput(OutputFile& file, const std::function<void(const Progress&)>& progress,
             const std::atomic<bool>* cancel, std::uint64_t total)
      : file_(file), progress_(progress), cancel_(cancel), total_(total), synced_(file.size()) {}

  std::uint64_t at() const { return file_.size(); }

  // Forgets what lies behind `at` and goes on there.
  Status start(std::uint64_t at) {
    synced_ = at;
    return file_.truncate(at);
  }

  Status append(std::span<const std::byte> bytes) {
    if (cancel_ != nullptr && cancel_->load(std::memory_order_relaxed)) {
      return Error{ErrorCode::cancelled, "writing was stopped; the same command goes on with it"};
    }
    RETURN_IF_ERROR(file_.append(bytes));
    if (at() - synced_ >= GgufWriter::kSyncBytes) {
      RETURN_IF_ERROR(file_.sync());
      synced_ = at();
    }
    if (progress_ && at() - reported_ >= GgufWriter::kFillBytes) {
      progress_({at(), total_});
      reported_ = at();
    }
    return {};
  }

  Status pad_to(std::uint64_t at) {
    CHECK(at >= file_.size());
    return append(std::vector<std::byte>(at - file_.size()));
  }

 private:
  OutputFile& file_;
  const std::function<void(const Progress&)>& progress_;
  const std::atomic<bool>* const cancel_;
  const std::uint64_t total_;
  std::uint64_t synced_;
  std::uint64_t reported_ = 0;
};

// How many bytes of an existing file may be kept. Errors: invalid, where it does not begin as this
// file does: other files are not overwritten.
Result<std::uint64_t> kept_bytes(const OutputFile& output, const std::string& part,
                                 const std::string& head) {
  if (output.size() == 0) return std::uint64_t{0};
  auto file = File::open(part);
  if (!file) return file.error();
  std::string there(std::min<std::uint64_t>(output.size(), head.size()), '\0');
  RETURN_IF_ERROR(file->read_at(0, std::as_writable_bytes(std::span(there))));
  if (!head.starts_with(there)) {
    return Error{ErrorCode::invalid,
                 fmt::format("{} was begun with another input or other options: remove it to start "
                             "anew",
                             part)};
  }
  if (output.size() < head.size()) return std::uint64_t{0};
  // What was not synced yet may be lost where the machine lost its power.
  const std::uint64_t safe = output.size() / GgufWriter::kSyncBytes;
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
  auto output = OutputFile::open(path, {.replace = false, .resumable = true});
  if (!output) return output.error();
  const std::string header = head();
  const std::uint64_t total = header.size() + data_bytes_;
  const auto kept = kept_bytes(*output, OutputFile::part_path(path), header);
  if (!kept) return kept.error();
  RETURN_IF_ERROR(check_room(path, total - std::min(total, *kept)));
  LongOutput file(*output, progress, cancel, total);
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
  if (progress) progress({total, total});
  return output->finish();
}

}  // namespace mneme
