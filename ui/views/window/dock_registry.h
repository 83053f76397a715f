// SPDX-License-Identifier: Apache-2.0
// The docks of the main window, a row each: what it is called, where it stands, which layouts show
// it, and who makes its view. A new view is its own file and a row here. UI thread.
#pragma once

#include <functional>
#include <span>

#include "engram/ngram_hasher.h"
#include "inference/trace/trace_record.h"

class QWidget;

namespace mneme {

class AppSettings;
class BranchTrace;
class ChatListModel;
class ChatStore;
class EngineHost;
class InspectSource;
class Selection;

// What a view may read and ask for. All of it outlives the views.
struct ViewContext {
  ChatStore& store;
  EngineHost& engine;
  BranchTrace& branch;
  Selection& selection;
  InspectSource& source;
  ChatListModel& chats;
  AppSettings& settings;
  std::function<void()> explainStall;  // shows what the selected token waited for
  QWidget* window;                     // the parent
};

enum class DockPlace { left, right, lowerLeft, lowerRight };

struct DockRow {
  const char* name;   // of the dock in the stored layout: never changed
  const char* title;  // translated in the context "Docks"
  const char* manual = "";  // what F1 opens in it; "" = no page in particular
  DockPlace place = DockPlace::lowerLeft;
  unsigned layouts = 0;  // bits of MainWindow::Preset that show it
  unsigned front = 0;    // of these, where it is in front of the others at its place
  bool heading = true;   // its title stands above it where it is no tab
  bool scrolls = true;   // where the dock is smaller than the view's least size
  bool fixed = false;    // stays at the sides, can be closed but not moved
  QWidget* (*make)(const ViewContext& context);
};

// In the order of the menu, and of the tabs at a place.
std::span<const DockRow> allDocks();

}  // namespace mneme
