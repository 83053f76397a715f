// SPDX-License-Identifier: Apache-2.0
// How what a package leaves out is had, by the kind of package that this program came from. Any
// thread.
#pragma once

#include "ui/package_kind.h"

namespace mneme {

struct ModelWay {
  QString title;
  QString text;
  QString copied;  // a command for a terminal, or the folder that the file goes to
  QString action;  // what copying it is for, for who does not see it
};

// To the default model, which is not there: `file` is its file name, `folder` where it is looked
// for.
ModelWay wayToDefaultModel(const Package& package, const QString& file, const QString& folder);

// To the CUDA module, which is not installed; part of a sentence that begins with "CUDA: ".
QString wayToCuda(const Package& package);

}  // namespace mneme
