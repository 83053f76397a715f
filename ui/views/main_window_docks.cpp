// SPDX-License-Identifier: Apache-2.0
// Which inspection views stand where, and the presets that show them.
#include <QAction>
#include <QActionGroup>
#include <QDockWidget>

#include "ui/views/main_window.h"

namespace mneme {

void MainWindow::makeInspectionDocks() {}

void MainWindow::showPreset(Preset preset) {
  findChild<QDockWidget*>(QStringLiteral("chatsDock"))->show();
  for (QDockWidget* dock : m_docks) dock->hide();
  static const char* const kNames[] = {"presetChat", "presetInspect", "presetMemory"};
  if (QAction* one = action(kNames[static_cast<int>(preset)])) one->setChecked(true);
}

}  // namespace mneme
