// SPDX-License-Identifier: Apache-2.0
// The regular files below a folder that anyone may have filled: loops of links, folders without
// end, what may not be read and what is no file at all end or narrow the walk, never the program.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace mneme {

struct FolderWalk {
  // Whether to look into the folder of that name, so many folders below the first (0: it lies in
  // it).
  std::function<bool(std::string_view name, int depth)> enters;
  // A name to be given to `file`; asked before anything is looked up of the file.
  std::function<bool(std::string_view name)> wants;
  // Its path, below the folder as that was named. False: no more.
  std::function<bool(const std::string& path)> file;
  std::size_t entries_max = 50'000;  // files and folders of all names
  int depth_max = 8;
};

// Names that begin with "." are left out. Links are followed, each folder is entered once, and
// names come in order. Returns what was left out, a sentence each. `stop` is asked at each entry.
std::vector<std::string> walk_folder(const std::string& folder, const FolderWalk& walk,
                                     const std::atomic<bool>& stop);

}  // namespace mneme
