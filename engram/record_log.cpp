// SPDX-License-Identifier: Apache-2.0
#include "engram/record_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/check.h"
#include "base/exceptions.h"
#include "base/file.h"
#include "base/log.h"
#include "base/private_file.h"
#include "base/system_memory.h"

namespace mneme {
namespace {

constexpr std::size_t kSegmentsInMemory = 4;     // of a prompt, while the drive is busy with reads
constexpr std::uint64_t kRoomLeft = 1ull << 30;  // for everyone else on the drive
constexpr std::uint64_t kMemoryShare = 8;        // at most an eighth of RAM for the index

Error failed(std::string_view verb, const std::string& path, int code) {
  return Error{ErrorCode::io, fmt::format("cannot {} {}: {}", verb, path, std::strerror(code))};
}

std::byte* aligned_bytes(std::size_t bytes) {
  auto* const memory =
      static_cast<std::byte*>(::operator new (bytes, std::align_val_t{kRecordLogPage}));
  std::memset(memory, 0, bytes);  // nothing else of this program goes to the drive
  return memory;
}

Status write_all(const std::string& path, int fd, std::uint64_t offset,
                 std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return failed("write", path, n == 0 ? ENOSPC : errno);
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    offset += static_cast<std::uint64_t>(n);
  }
  return {};
}

// False where the file ends before.
Result<bool> read_all(const std::string& path, int fd, std::uint64_t offset,
                      std::span<std::byte> out) {
  while (!out.empty()) {
    const ssize_t n = ::pread(fd, out.data(), out.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed("read", path, errno);
    if (n == 0) return false;
    out = out.subspan(static_cast<std::size_t>(n));
    offset += static_cast<std::uint64_t>(n);
  }
  return true;
}

Status check_memory(const RecordLogFormat& format) {
  const std::uint64_t most = system_memory().total_bytes / kMemoryShare;
  const std::uint64_t index = RecordLogIndex::bytes_for(format.records());
  if (index <= most) return {};
  return Error{ErrorCode::out_of_memory,
               fmt::format("the index of a record log of {} MiB would take {} MiB of RAM, where {} "
                           "MiB may be used for it: choose a smaller one",
                           format.file_bytes() >> 20, index >> 20, most >> 20)};
}

// Past the page cache where that goes: the log is not read again soon.
Result<int> open_file(const std::string& path) {
  constexpr int kFlags = O_CREAT | O_RDWR;
  auto fd = open_regular_file(path, kFlags | O_DIRECT, 0600);
  const bool refused = !fd && fd.error().code == ErrorCode::unsupported;
  return refused ? open_regular_file(path, kFlags, 0600) : fd;
}

}  // namespace

RecordLog::Descriptor& RecordLog::Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

RecordLog::Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

// ---- opening -----------------------------------------------------------------------------------

Result<std::unique_ptr<RecordLog>> RecordLog::open(const std::string& path, std::uint64_t bytes,
                                                   std::uint64_t identity,
                                                   std::uint32_t rows_bytes) {
  auto format = RecordLogFormat::create(bytes, rows_bytes, identity);
  if (!format) return format.error();
  RETURN_IF_ERROR(check_memory(*format));
  const std::string folder = std::filesystem::path(path).parent_path();
  if (!folder.empty()) RETURN_IF_ERROR(make_private_folder(folder));
  auto opened = open_file(path);
  if (!opened) return opened.error();
  Descriptor fd(*opened);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    return Error{ErrorCode::io, fmt::format("{} is in use by another program", path)};
  }
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return failed("look at", path, errno);
  bool begun = false;
  if (info.st_size > 0) {
    const std::unique_ptr<std::byte, Free> page(aligned_bytes(kRecordLogPage));
    const std::span<std::byte> header(page.get(), kRecordLogPage);
    auto whole = read_all(path, fd.get(), 0, header);
    if (!whole) return whole.error();
    Status known = format->check_header(*whole ? header : header.first(0));
    if (known && static_cast<std::uint64_t>(info.st_size) != format->file_bytes()) {
      known = Error{ErrorCode::invalid, "was cut off"};
    }
    if (!known && known.error().code != ErrorCode::invalid) {
      return Error{known.error().code,
                   fmt::format("{} {}: it is left alone", path, known.error().message)};
    }
    if (!known) log_info("engram", "{} {}: it begins anew", path, known.error().message);
    begun = known.has_value();
  }
  if (!begun) RETURN_IF_ERROR(begin(path, fd, *format));
  std::unique_ptr<RecordLog> log(new RecordLog(path, std::move(*format), std::move(fd), begun));
  RETURN_IF_ERROR(log->start());
  return log;
}

// All the room at once: what is promised is there, and a full drive is found out now.
Status RecordLog::begin(const std::string& path, const Descriptor& fd,
                        const RecordLogFormat& format) {
  if (::ftruncate(fd.get(), 0) != 0) return failed("empty", path, errno);
  std::error_code error;
  const auto space = std::filesystem::space(std::filesystem::path(path).parent_path(), error);
  if (!error && space.available < format.file_bytes() + kRoomLeft) {
    return Error{
        ErrorCode::io,
        fmt::format("{} would take {} MiB: the drive has {} MiB free, and {} MiB of them "
                    "are left to others",
                    path, format.file_bytes() >> 20, space.available >> 20, kRoomLeft >> 20)};
  }
  const auto bytes = static_cast<off_t>(format.file_bytes());
  if (::fallocate(fd.get(), 0, 0, bytes) != 0) {
    if (errno != EOPNOTSUPP) return failed("make room for", path, errno);
    if (::ftruncate(fd.get(), bytes) != 0) return failed("make room for", path, errno);
  }
  const std::vector<std::byte> header = format.header();
  const std::unique_ptr<std::byte, Free> page(aligned_bytes(header.size()));
  std::ranges::copy(header, page.get());
  return write_all(path, fd.get(), 0, {page.get(), header.size()});
}

RecordLog::RecordLog(std::string path, RecordLogFormat format, Descriptor fd, bool begun)
    : path_(std::move(path)),
      format_(std::move(format)),
      fd_(std::move(fd)),
      begun_(begun),
      index_(format_.records()),
      counts_(format_.segments()) {
  for (std::size_t i = 0; i < kSegmentsInMemory; ++i) {
    segments_.push_back(
        {std::unique_ptr<std::byte, Free>(aligned_bytes(kRecordLogSegmentBytes)), {}});
  }
  for (Segment& segment : segments_) free_.push_back(&segment);
  sizes_.bytes = format_.file_bytes();
  sizes_.records_max = format_.records();
  sizes_.ram_bytes = index_.bytes() + counts_.size() * sizeof counts_[0] +
                     kSegmentsInMemory * kRecordLogSegmentBytes;
}

Status RecordLog::start() {
  auto thread = start_thread("record log", [this] { run(); });
  if (!thread) return thread.error();
  thread_ = std::move(*thread);
  return {};
}

RecordLog::~RecordLog() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

// ---- any thread --------------------------------------------------------------------------------

std::optional<std::uint64_t> RecordLog::find(std::uint64_t hash) const {
  const std::lock_guard lock(mutex_);
  if (off_) return std::nullopt;
  const auto number = index_.find(hash);
  if (!number) return std::nullopt;
  return format_.record_begin(*number);
}

std::span<const std::byte> RecordLog::rows_of(const NgramKey& key,
                                              std::span<const std::byte> record) {
  const std::span<const std::byte> rows = format_.rows_of(key, record);
  if (rows.empty()) forget(key);
  return rows;
}

void RecordLog::forget(const NgramKey& key) {
  const std::lock_guard lock(mutex_);
  index_.forget(NgramKeyHash{}(key));
  ++refused_;
}

void RecordLog::add(const NgramKey& key, std::span<const std::byte> rows) {
  const std::lock_guard lock(mutex_);
  if (off_) return;
  if (filling_ == nullptr) {
    if (free_.empty()) {
      ++dropped_;
      return;
    }
    filling_ = free_.back();
    free_.pop_back();
  }
  format_.put(filling_->span(), static_cast<std::uint32_t>(filling_->hashes.size()), key, rows);
  filling_->hashes.push_back(NgramKeyHash{}(key));
  if (filling_->hashes.size() < format_.segment_records()) return;
  full_.push_back(std::exchange(filling_, nullptr));
  changed_.notify_all();
}

RecordLogStats RecordLog::stats() const {
  RecordLogStats stats = sizes_;
  stats.records = records_;
  stats.bytes_written = bytes_written_;
  stats.dropped = dropped_;
  stats.refused = refused_;
  if (off_) stats.off = why_off_;
  return stats;
}

// ---- the log's thread --------------------------------------------------------------------------

void RecordLog::run() {
  const Status status = without_exceptions([this]() -> Status {
    write_as_they_come();
    return {};
  });
  if (!status) switch_off(status.error());
}

void RecordLog::write_as_they_come() {
  if (begun_ && !read_index()) return;  // closed before: what was added meanwhile has no place yet
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return closing_ || !full_.empty(); });
    if (full_.empty() && filling_ != nullptr) {
      full_.push_back(std::exchange(filling_, nullptr));  // the last, with fewer records
    }
    if (off_ || full_.empty()) return;
    Segment& segment = *full_.front();
    full_.pop_front();
    lock.unlock();
    write(segment);
    lock.lock();
    segment.hashes.clear();
    free_.push_back(&segment);
  }
}

// In the order of their places: first the segments of the last lap, then, behind the newest, those
// of the lap before. False: the log is being closed.
bool RecordLog::read_index() {
  const auto start = std::chrono::steady_clock::now();
  const std::unique_ptr<std::byte, Free> memory(aligned_bytes(format_.head_bytes()));
  const std::span<std::byte> bytes(memory.get(), format_.head_bytes());
  std::vector<std::uint64_t> hashes;
  for (std::uint64_t place = 0; place < format_.segments(); ++place) {
    const auto whole = read_all(path_, fd_.get(), format_.segment_begin(place), bytes);
    if (!whole) {
      switch_off(whole.error());
      return false;
    }
    const auto head = *whole ? format_.read_head(bytes) : std::nullopt;
    if (head && head->sequence % format_.segments() == place) {
      hashes.clear();
      for (const NgramKey& key : head->keys) hashes.push_back(NgramKeyHash{}(key));
      remember(head->sequence, hashes);
    }
    const std::lock_guard lock(mutex_);
    if (closing_) return false;
  }
  log_info("engram", "{} n-grams in the record log, known after {:.2f} s", stats().records,
           std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  return true;
}

// A segment is on the drive with these records.
void RecordLog::remember(std::uint64_t sequence, std::span<const std::uint64_t> hashes) {
  const std::uint64_t first = sequence * format_.segment_records();
  const std::lock_guard lock(mutex_);
  next_sequence_ = std::max(next_sequence_, sequence + 1);
  index_.advance(next_sequence_ * format_.segment_records());
  for (std::size_t i = 0; i < hashes.size(); ++i) index_.insert(hashes[i], first + i);
  std::uint32_t& count = counts_[sequence % format_.segments()];
  records_ += hashes.size() - count;
  count = static_cast<std::uint32_t>(hashes.size());
}

void RecordLog::write(Segment& segment) {
  std::uint64_t sequence = 0;
  {
    // The records that this segment overwrites leave the index. A read of one that is under way
    // fails by the record's digest or its key.
    const std::lock_guard lock(mutex_);
    sequence = next_sequence_++;
    index_.advance(next_sequence_ * format_.segment_records());
    records_ -= std::exchange(counts_[sequence % format_.segments()], 0);
  }
  format_.seal(segment.span(), sequence, static_cast<std::uint32_t>(segment.hashes.size()));
  const Status status =
      write_all(path_, fd_.get(), format_.segment_begin(sequence), segment.span());
  if (!status) {
    switch_off(status.error());
    return;
  }
  bytes_written_ += kRecordLogSegmentBytes;  // before its records count
  remember(sequence, segment.hashes);
}

void RecordLog::switch_off(const Error& error) {
  log_warning("engram", "the record log is switched off: {}", error.message);
  const std::lock_guard lock(mutex_);
  if (off_) return;
  why_off_ = error.message;
  off_ = true;
}

}  // namespace mneme
