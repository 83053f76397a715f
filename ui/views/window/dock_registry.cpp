// SPDX-License-Identifier: Apache-2.0
#include "ui/views/window/dock_registry.h"

#include "ui/bridge/app_settings.h"
#include "ui/bridge/engine_host.h"
#include "ui/bridge/hot_set_work.h"
#include "ui/bridge/prompt_probabilities.h"
#include "ui/models/branch_trace.h"
#include "ui/selection.h"
#include "ui/views/inspect/hot_set_actions.h"
#include "ui/views/inspect/hot_set_view.h"
#include "ui/views/inspect/slots_view.h"
#include "ui/views/inspect/strip_view.h"
#include "ui/views/inspect/tiers_view.h"
#include "ui/views/inspect/timeline_view.h"
#include "ui/views/inspect/token_card.h"
#include "ui/views/window/log_view.h"
#include "ui/views/window/side_panel.h"

namespace mneme {
namespace {

constexpr unsigned kInChat = 1, kInInspect = 2, kInTiers = 4;  // MainWindow::Preset

QWidget* makeTokenCard(const ViewContext& c) {
  auto* card = new TokenCard(c.branch, c.selection, c.source, c.window);
  auto* probabilities = new PromptProbabilities(c.engine, c.branch, c.window);
  QObject::connect(card, &TokenCard::promptProbabilitiesRequested, probabilities,
                   &PromptProbabilities::request);
  QObject::connect(probabilities, &PromptProbabilities::started, card,
                   [card] { card->setComputing(true); });
  QObject::connect(probabilities, &PromptProbabilities::failed, card,
                   [card](const QString& reason) { card->setComputing(false, reason); });
  QObject::connect(&c.branch, &BranchTrace::recordsChanged, card,
                   [card] { card->setComputing(false); });
  QObject::connect(card, &TokenCard::stallExplanationRequested, card,
                   [&selection = c.selection, explain = c.explainStall](EventIndex event) {
                     selection.pin(event);
                     explain();
                   });
  return card;
}

QWidget* makeTiers(const ViewContext& c) {
  auto* tiers = new TiersView(c.source, c.window);
  const auto follow = [tiers, &settings = c.settings] {
    tiers->setAutomaticBudget(settings.now().engine.ram_budget == 0);
  };
  QObject::connect(&c.settings, &AppSettings::changed, tiers, follow);
  QObject::connect(tiers, &TiersView::stallExplanationRequested, tiers, c.explainStall);
  follow();
  return tiers;
}

QWidget* makeHotSet(const ViewContext& c) {
  auto* view = new HotSetView(c.branch, c.source, c.engine.jobs(), c.window);
  view->addActions(new HotSetActions(*new HotSetWork(c.store, c.engine, c.window), c.branch,
                                     c.source, c.chats, view));
  return view;
}

template <class View>
QWidget* makeInspector(const ViewContext& c) {
  return new View(c.branch, c.selection, c.source, c.window);
}

constexpr DockRow kDocks[] = {
    {.name = "chatsDock",
     .title = "Chats",
     .place = DockPlace::left,
     .layouts = kInChat | kInInspect | kInTiers,
     .heading = false,
     .scrolls = false,
     .fixed = true,
     .make = [](const ViewContext& c) -> QWidget* {
       return new SidePanel(c.chats, c.engine, c.window);
     }},
    {.name = "tokenDock",
     .title = "Token",
     .manual = "reading-the-views#the-token-card",
     .place = DockPlace::right,
     .layouts = kInInspect,
     .heading = false,
     .scrolls = false,
     .make = makeTokenCard},
    {.name = "stripDock",
     .title = "Strip",
     .manual = "reading-the-views#strip",
     .layouts = kInInspect,
     .front = kInInspect,
     .make = makeInspector<StripView>},
    {.name = "slotsDock",
     .title = "Slots",
     .manual = "reading-the-views#slots",
     .layouts = kInInspect | kInTiers,
     .front = kInTiers,
     .make = [](const ViewContext& c) -> QWidget* {
       return new SlotsView(c.branch, c.selection, c.source, c.engine.jobs(), c.window);
     }},
    {.name = "timelineDock",
     .title = "Timeline",
     .manual = "reading-the-views#timeline",
     .layouts = kInInspect | kInTiers,
     .make = makeInspector<TimelineView>},
    {.name = "tiersDock",
     .title = "Tiers",
     .manual = "reading-the-views#tiers",
     .place = DockPlace::lowerRight,
     .layouts = kInInspect | kInTiers,
     .front = kInInspect | kInTiers,
     .make = makeTiers},
    {.name = "hotSetDock",
     .title = "Hot set",
     .manual = "reading-the-views#hot-set",
     .place = DockPlace::lowerRight,
     .layouts = kInInspect | kInTiers,
     .make = makeHotSet},
    {.name = "logDock",
     .title = "Log",
     .manual = "messages",
     .place = DockPlace::lowerRight,
     .scrolls = false,
     .make = [](const ViewContext& c) -> QWidget* { return new LogView(c.window); }},
};

}  // namespace

std::span<const DockRow> allDocks() {
  return kDocks;
}

}  // namespace mneme
