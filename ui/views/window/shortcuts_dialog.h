// SPDX-License-Identifier: Apache-2.0
// Every action with its keys, by menu, and the keys that views have of their own. UI thread.
#pragma once

#include <QDialog>
#include <QList>

class QMenu;

namespace mneme {

class ShortcutsDialog : public QDialog {
  Q_OBJECT

 public:
  explicit ShortcutsDialog(const QList<QMenu*>& menus, QWidget* parent = nullptr);
};

}  // namespace mneme
