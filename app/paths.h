// SPDX-License-Identifier: Apache-2.0
// Where models, chats, settings and logs live: below the XDG base directories, or all in one folder
// (tests, portable use). Shared by the window and the command line; no Qt. These are names only:
// whoever writes a file creates its folder.
#pragma once

#include <string>
#include <vector>

namespace mneme {

struct Paths {
  std::string data;     // $XDG_DATA_HOME/mneme: chats.db
  std::string models;   // data + "/models": the default model and packs
  std::string config;   // $XDG_CONFIG_HOME/mneme: mneme.ini
  std::string state;    // $XDG_STATE_HOME/mneme: mneme.log
  std::string cache;    // $XDG_CACHE_HOME/mneme: what drivers compiled; may be deleted at any time
  std::string runtime;  // $XDG_RUNTIME_DIR/mneme, else state: the single-instance socket

  std::string database() const { return data + "/chats.db"; }
  std::string settings() const { return config + "/mneme.ini"; }
  std::string hot_sets() const { return data + "/hot"; }         // rows for the next start
  std::string record_logs() const { return data + "/records"; }  // rows that left RAM
  std::string log() const { return state + "/mneme.log"; }
  // The file that `./dev run` fetches into `models`, or that a package installed; may be missing.
  std::string default_model() const;
  // Folders to look for memory packs in, besides the model's own: `models`, and beside the program
  // the installed one and that of the source tree. They may be missing.
  std::vector<std::string> pack_folders() const;

  // Works the paths out of the environment; looks for no file. `root` empty: below the XDG
  // directories. Else all below `root`, which the XDG variables then have no say in.
  static Paths find(const std::string& root = {});
};

}  // namespace mneme
