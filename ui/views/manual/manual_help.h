// SPDX-License-Identifier: Apache-2.0
// Opens the manual, one window of it: from the menu, and by F1 wherever the program has the focus,
// also in a dialog, on the page that explains what has the focus. UI thread.
#pragma once

#include <QAction>
#include <QObject>
#include <memory>

namespace mneme {

class ManualWindow;
class SettingsFile;

class ManualHelp : public QObject {
  Q_OBJECT

 public:
  // `file`, where the window's place is kept, outlives this.
  explicit ManualHelp(SettingsFile& file, QObject* parent = nullptr);
  ~ManualHelp() override;

  void open(const QString& topic);
  void openHere();  // for what has the focus
  void close();
  void setKeys(const QList<QAction*>& actions);  // whose keys work in the manual too

  ManualWindow* window() const { return m_window.get(); }  // null until it was opened

 protected:
  bool eventFilter(QObject* watched, QEvent* event) override;

 private:
  SettingsFile& m_file;
  QList<QAction*> m_actions;
  std::unique_ptr<ManualWindow> m_window;
};

}  // namespace mneme
