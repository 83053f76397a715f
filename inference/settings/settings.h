// SPDX-License-Identifier: Apache-2.0
// The values of all settings, as they hold for one run, model and chat. Filled through the rows of
// the table (setting.h), passed in, copied freely, never looked up.
#pragma once

#include <string>

#include "inference/run/engine.h"
#include "inference/store/library.h"

namespace mneme {

struct WindowSettings {
  std::string theme = "system";  // "system", "light", "dark"
  double zoom = 1.0;
  bool open_at_start = true;
};

struct Settings {
  Settings() { engine.device = "auto"; }

  EngineOptions engine;
  // What new chats start with; each then keeps its own.
  ChatSettings chat;
  std::string system_prompt;  // "" = the template's own default
  WindowSettings window;
};

}  // namespace mneme
