// SPDX-License-Identifier: Apache-2.0
// The stretch of the token strip that is in view, as a picture to keep: whole tokens, what the
// colours mean, and a caption. UI thread.
#pragma once

#include <QByteArray>
#include <QImage>
#include <memory>

#include "ui/models/branch_trace.h"
#include "ui/models/inspect_source.h"
#include "ui/selection.h"

namespace mneme {

class StripCanvas;

class StripPicture {
 public:
  StripPicture(const StripCanvas& shown, BranchTrace& trace, InspectSource& source);
  ~StripPicture();
  StripPicture(const StripPicture&) = delete;
  StripPicture& operator=(const StripPicture&) = delete;

  int firstToken() const { return m_first; }
  int endToken() const { return m_end; }
  QString caption() const;
  QSize size() const;
  QImage image(int scale) const;  // `scale` times the pixels of the screen
  QByteArray svg() const;

 private:
  void paint(QPainter* painter) const;
  void paintLegend(QPainter* painter, int top) const;

  InspectSource& m_source;
  Selection m_selection;  // none: a picture shows no pointer
  int m_first = 0;
  int m_end = 0;
  std::unique_ptr<StripCanvas> m_canvas;
};

}  // namespace mneme
