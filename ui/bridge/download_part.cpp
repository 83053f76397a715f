// SPDX-License-Identifier: Apache-2.0
#include "ui/bridge/download_part.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <utility>
#include <vector>

#include "base/file.h"

namespace mneme {
namespace {

constexpr std::size_t kChunk = 1 << 20;

std::string note_of(const std::string& path) {
  return OutputFile::part_path(path) + ".source";
}

// Feeds the first `size` bytes of the file to the hash.
Status hash_file(const std::string& path, std::uint64_t size, Sha256& hash,
                 const DownloadPart::Stopped& stopped) {
  const auto file = File::open(path);
  if (!file) return file.error();
  std::vector<std::byte> buffer(static_cast<std::size_t>(std::min<std::uint64_t>(size, kChunk)));
  for (std::uint64_t at = 0; at < size;) {
    if (stopped()) return Error{ErrorCode::cancelled, "stopped"};
    const std::span chunk = std::span(buffer).first(
        static_cast<std::size_t>(std::min<std::uint64_t>(size - at, kChunk)));
    RETURN_IF_ERROR(file->read_at(at, chunk));
    hash.update(chunk);
    at += chunk.size();
  }
  return {};
}

}  // namespace

std::uint64_t DownloadPart::bytes_here(const Goal& goal) {
  std::error_code code;
  const auto whole = std::filesystem::file_size(goal.path, code);
  if (!code && whole == goal.bytes) return whole;
  const auto part = std::filesystem::file_size(OutputFile::part_path(goal.path), code);
  return code ? 0 : std::min<std::uint64_t>(part, goal.bytes);
}

Result<bool> DownloadPart::is_here(const Goal& goal, const Stopped& stopped) {
  std::error_code code;
  if (!std::filesystem::exists(std::filesystem::symlink_status(goal.path, code))) return false;
  Sha256 hash;
  const auto size = std::filesystem::file_size(goal.path, code);
  const bool fits = !code && size == goal.bytes;
  if (fits) RETURN_IF_ERROR(hash_file(goal.path, size, hash, stopped));
  if (fits && hash.finish_hex() == goal.sha256) return true;
  return Error{ErrorCode::invalid,
               fmt::format("{} is there already and is another file: move it away, or choose "
                           "another place",
                           goal.path)};
}

DownloadPart::DownloadPart(Goal goal, OutputFile file)
    : goal_(std::move(goal)), file_(std::move(file)), hash_(std::make_unique<Sha256>()) {}

DownloadPart::~DownloadPart() = default;

Result<std::unique_ptr<DownloadPart>> DownloadPart::open(const Goal& goal, const Stopped& stopped) {
  auto file = OutputFile::open(goal.path, {.replace = false, .resumable = true});
  if (!file) return file.error();
  std::unique_ptr<DownloadPart> part(new DownloadPart(goal, std::move(*file)));
  if (part->size() > goal.bytes || !part->read_note()) {
    RETURN_IF_ERROR(part->restart({}));
  } else {
    RETURN_IF_ERROR(
        hash_file(OutputFile::part_path(goal.path), part->size(), *part->hash_, stopped));
  }
  return part;
}

Status DownloadPart::append(std::span<const std::byte> bytes) {
  RETURN_IF_ERROR(file_.append(bytes));
  hash_->update(bytes);
  return {};
}

Status DownloadPart::restart(const std::string& validator) {
  RETURN_IF_ERROR(file_.truncate(0));
  hash_ = std::make_unique<Sha256>();
  validator_ = validator;
  return write_note();
}

Status DownloadPart::finish() {
  if (size() != goal_.bytes || hash_->finish_hex() != goal_.sha256) {
    discard();
    return Error{ErrorCode::corrupt,
                 "What came is not the file that was announced: its SHA-256 is another one"};
  }
  RETURN_IF_ERROR(file_.finish());
  std::error_code ignored;
  std::filesystem::remove(note_of(goal_.path), ignored);
  return {};
}

void DownloadPart::discard() {
  std::error_code ignored;
  std::filesystem::remove(note_of(goal_.path), ignored);
  if (!file_.truncate(0)) std::filesystem::remove(OutputFile::part_path(goal_.path), ignored);
}

// Two lines: the digest that the bytes are to have, and the validator.
Status DownloadPart::write_note() const {
  auto note = OutputFile::open(note_of(goal_.path), {.sync = false});
  if (!note) return note.error();
  const std::string text = goal_.sha256 + "\n" + validator_ + "\n";
  RETURN_IF_ERROR(note->append(std::as_bytes(std::span(text))));
  return note->finish();
}

bool DownloadPart::read_note() {
  std::ifstream note(note_of(goal_.path));
  std::string digest;
  return std::getline(note, digest) && digest == goal_.sha256 &&
         bool(std::getline(note, validator_));
}

}  // namespace mneme
