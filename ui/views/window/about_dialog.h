// SPDX-License-Identifier: Apache-2.0
// What this program is, and the licences of what it is made of. UI thread.
#pragma once

#include <QDialog>

namespace mneme {

class AboutDialog : public QDialog {
  Q_OBJECT

 public:
  explicit AboutDialog(QWidget* parent = nullptr);
};

}  // namespace mneme
