// SPDX-License-Identifier: Apache-2.0
#include "ui/views/manual/manual_help.h"

#include <QApplication>
#include <QKeyEvent>
#include <QWindow>

#include "ui/manual_topic.h"
#include "ui/views/manual/manual_pages.h"
#include "ui/views/manual/manual_window.h"

namespace mneme {

ManualHelp::ManualHelp(SettingsFile& file, QObject* parent) : QObject(parent), m_file(file) {
  qApp->installEventFilter(this);
}

ManualHelp::~ManualHelp() = default;

void ManualHelp::setKeys(const QList<QAction*>& actions) {
  m_actions = actions;
}

void ManualHelp::open(const QString& topic) {
  if (!m_window) {
    m_window = std::make_unique<ManualWindow>(m_file);
    m_window->addActions(m_actions);
  }
  m_window->open(topic);
  m_window->setWindowState(m_window->windowState() & ~Qt::WindowMinimized);
  m_window->winId();  // makes windowHandle()
  // A dialog that blocks all other windows does not block its own.
  const QWidget* modal = QApplication::activeModalWidget();
  m_window->windowHandle()->setTransientParent(modal != nullptr ? modal->windowHandle() : nullptr);
  m_window->show();
  m_window->raise();
  m_window->activateWindow();
}

void ManualHelp::openHere() {
  const QWidget* focus = QApplication::focusWidget();
  if (focus == nullptr) focus = QApplication::activeWindow();
  const QString topic = manualTopicOf(focus);
  open(topic.isEmpty() ? manualPages().front().name : topic);
}

void ManualHelp::close() {
  if (m_window) m_window->close();
}

// The menu's own shortcut works in the main window only, and not while a dialog blocks that.
bool ManualHelp::eventFilter(QObject* watched, QEvent* event) {
  if (event->type() != QEvent::KeyPress || !watched->isWidgetType()) return false;
  const auto* key = static_cast<QKeyEvent*>(event);
  if (key->key() != Qt::Key_F1 || key->modifiers() != Qt::NoModifier ||
      QApplication::activePopupWidget() != nullptr) {
    return false;
  }
  openHere();
  return true;
}

}  // namespace mneme

#include "moc_manual_help.cpp"
