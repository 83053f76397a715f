// SPDX-License-Identifier: Apache-2.0
// Where models, chats, settings and logs live: the XDG base directories, or one folder for all of
// it (tests, portable use). Shared by the window and the command line; no Qt. Nothing is created
// here.
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
  std::string default_model() const;  // the file that `./dev run` fetches; may be missing
  // Folders to look for memory packs in, besides the model's own: data, installed, source tree.
  std::vector<std::string> pack_folders() const;

  // `root` empty: the XDG directories. Else everything under `root`.
  static Paths find(const std::string& root = {});
};

}  // namespace mneme
