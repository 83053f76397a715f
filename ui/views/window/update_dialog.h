// SPDX-License-Identifier: Apache-2.0
// How a newer version of this program is had. Opens no connection. UI thread.
#pragma once

#include <QDialog>

#include "ui/views/window/update_way.h"

namespace mneme {

class UpdateDialog : public QDialog {
  Q_OBJECT

 public:
  explicit UpdateDialog(const Package& package, QWidget* parent = nullptr);
};

}  // namespace mneme
