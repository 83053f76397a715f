// SPDX-License-Identifier: Apache-2.0
// What this program is, and the licences of what it is made of. UI thread.
#pragma once

#include <QDialog>

#include "ui/views/window/licences.h"

namespace mneme {

class AboutDialog : public QDialog {
  Q_OBJECT

 public:
  // `downloads`: this build offers a model to download. `bill`: the list of parts, see licences.h.
  explicit AboutDialog(bool downloads, QWidget* parent = nullptr,
                       const QString& bill = installedBill());
};

}  // namespace mneme
