// SPDX-License-Identifier: Apache-2.0
#include "ui/bridge/save_watch.h"

#include <utility>

#include "ui/bridge/ui_call.h"

namespace mneme {
namespace {

constexpr int kAgainMs = 2000;

}  // namespace

SaveWatch::SaveWatch(ChatStore& store, QObject* parent) : QObject(parent), m_store(store) {
  m_again.setInterval(kAgainMs);
  connect(&m_again, &QTimer::timeout, this, [this] { m_store.retry(); });
  m_store.set_listener(onUi(this,
                            [this](const Error& error, bool kept) {
                              const QString reason = QString::fromStdString(error.message);
                              if (kept) {
                                m_problem = reason;
                                m_again.start();
                              }
                              Q_EMIT failed(reason, kept);
                            }),
                       onUi(this, [this] {
                         m_problem.clear();
                         m_again.stop();
                         Q_EMIT saved();
                       }));
}

SaveWatch::~SaveWatch() {
  m_store.set_listener({}, {});
}

void SaveWatch::ask(std::function<void(const std::vector<Unsaved>&)> then) {
  askLibrary(
      m_store, this,
      [&store = m_store](Library&) {
        std::vector<Unsaved> unsaved;
        for (const KeptWrite& kept : store.kept()) {
          unsaved.push_back({QString::fromStdString(kept.what), QString::fromStdString(kept.text)});
        }
        return unsaved;
      },
      std::move(then));
}

}  // namespace mneme

#include "moc_save_watch.cpp"
