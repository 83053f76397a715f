// SPDX-License-Identifier: Apache-2.0
#include "inference/machine/folder_walk.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>

namespace mneme {
namespace {

namespace fs = std::filesystem;

class Walker {
 public:
  Walker(const std::string& folder, const FolderWalk& walk, const std::atomic<bool>& stop)
      : walk_(walk), stop_(stop) {
    enter(folder, 0);
    if (too_many_) {
      left_out_.push_back(
          fmt::format("{} was looked at only in part: it has more than {} files "
                      "and folders",
                      folder, walk.entries_max));
    }
    if (too_deep_) {
      left_out_.push_back(
          fmt::format("{} was looked at only in part: it goes more than {} folders "
                      "deep",
                      folder, walk.depth_max));
    }
  }

  std::vector<std::string> take() { return std::move(left_out_); }

 private:
  bool ended() const { return stop_.load(std::memory_order_relaxed) || done_ || too_many_; }

  // Of links what they lead to. Nothing is opened.
  static fs::file_type type_of(const fs::directory_entry& entry) {
    std::error_code error;
    const auto type = entry.symlink_status(error).type();  // most systems tell it with the name
    return type == fs::file_type::symlink ? entry.status(error).type() : type;
  }

  bool is_new(const std::string& folder) {
    struct stat info {};
    return ::stat(folder.c_str(), &info) == 0 && entered_.insert({info.st_dev, info.st_ino}).second;
  }

  void enter(const std::string& folder, int depth) {
    if (!is_new(folder)) return;
    std::error_code error;
    std::vector<fs::directory_entry> entries;
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
      if (ended()) return;
      if (++seen_ > walk_.entries_max) {
        too_many_ = true;
        break;
      }
      if (!it->path().filename().native().starts_with('.')) entries.push_back(*it);
    }
    if (error) {
      left_out_.push_back(fmt::format("{} cannot be read: {}", folder, error.message()));
    }
    std::ranges::sort(entries, {}, [](const fs::directory_entry& entry) -> const std::string& {
      return entry.path().native();
    });
    look_at(entries, depth);
  }

  void look_at(const std::vector<fs::directory_entry>& entries, int depth) {
    for (const fs::directory_entry& entry : entries) {
      if (stop_.load(std::memory_order_relaxed) || done_) return;
      const std::string name = entry.path().filename().string();
      const bool wanted = walk_.wants(name);
      const bool enters = walk_.enters(name, depth);
      if (!wanted && !enters) continue;
      const fs::file_type type = type_of(entry);
      if (type == fs::file_type::regular && wanted) done_ = !walk_.file(entry.path().string());
      if (type != fs::file_type::directory || !enters) continue;
      if (depth == walk_.depth_max) {
        too_deep_ = true;
      } else {
        enter(entry.path().string(), depth + 1);
      }
    }
  }

  const FolderWalk& walk_;
  const std::atomic<bool>& stop_;
  std::set<std::pair<dev_t, ino_t>> entered_;
  std::vector<std::string> left_out_;
  std::size_t seen_ = 0;
  bool too_many_ = false;
  bool too_deep_ = false;
  bool done_ = false;
};

}  // namespace

std::vector<std::string> walk_folder(const std::string& folder, const FolderWalk& walk,
                                     const std::atomic<bool>& stop) {
  return Walker(folder, walk, stop).take();
}

}  // namespace mneme
