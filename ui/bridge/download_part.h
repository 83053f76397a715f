// SPDX-License-Identifier: Apache-2.0
// A file that is being downloaded, as it lies on the drive: what came so far, its digest, and what
// the server called that state of the file, so that it can go on after a restart. Another program
// that downloads the same file is kept out. Everything waits for the drive; one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "base/output_file.h"
#include "base/result.h"
#include "base/sha256.h"

namespace mneme {

class DownloadPart {
 public:
  struct Goal {
    std::string path;  // which it has when all of it is there
    std::uint64_t bytes = 0;
    std::string sha256;
  };
  using Stopped = std::function<bool()>;

  // What is there of it. Where the file lies at its place already, whole. Reads names and sizes
  // only.
  static std::uint64_t bytes_here(const Goal& goal);

  // Whether the file lies at its place, with its digest. Errors: io; invalid (another file lies
  // there); cancelled.
  static Result<bool> is_here(const Goal& goal, const Stopped& stopped);

  // Opens or begins it, and reads what is there for the digest. Errors: io; invalid (another
  // program downloads it); cancelled.
  static Result<std::unique_ptr<DownloadPart>> open(const Goal& goal, const Stopped& stopped);

  ~DownloadPart();  // what came stays

  std::uint64_t size() const { return file_.size(); }
  // The ETag, or else the date, that the server gave with these bytes; "" = neither.
  const std::string& validator() const { return validator_; }

  // After a failed append it has to be opened anew.
  Status append(std::span<const std::byte> bytes);
  // Forgets what came.
  Status restart(const std::string& validator);
  // Checks length and digest, and gives the file its name. Errors: io; corrupt (what came is
  // another file: it was removed); invalid (another file came to lie there).
  Status finish();
  void discard();

 private:
  DownloadPart(Goal goal, OutputFile file);
  Status write_note() const;
  bool read_note();

  Goal goal_;
  OutputFile file_;
  std::unique_ptr<Sha256> hash_;
  std::string validator_;
};

}  // namespace mneme
