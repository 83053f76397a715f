// SPDX-License-Identifier: Apache-2.0
#include "ui/views/inspect/timeline_view.h"

#include <QLabel>
#include <QVBoxLayout>

#include "ui/theme.h"
#include "ui/views/inspect/timeline_canvas.h"
#include "ui/views/window/elided_label.h"

namespace mneme {
namespace {

constexpr int kRefreshMs = 100;

}  // namespace

TimelineView::TimelineView(BranchTrace& trace, Selection& selection, InspectSource& source,
                           QWidget* parent)
    : QWidget(parent), m_trace(trace), m_selection(selection), m_source(source) {
  setAccessibleName(tr("Timeline"));
  auto* outer = new QVBoxLayout(this);
  outer->setContentsMargins(0, 6, 0, 6);
  m_empty = new QLabel(
      tr("No tokens yet. Ask something: this view then shows what each token took, in sampling, "
         "waiting for rows and computing."),
      this);
  m_empty->setProperty("kind", QStringLiteral("muted"));
  m_empty->setWordWrap(true);
  m_empty->setAlignment(Qt::AlignTop | Qt::AlignLeft);
  m_empty->setContentsMargins(14, 2, 14, 8);
  outer->addWidget(m_empty, 1);
  m_body = new QWidget(this);
  outer->addWidget(m_body, 1);
  auto* rows = new QVBoxLayout(m_body);
  rows->setContentsMargins(0, 0, 0, 0);
  rows->setSpacing(4);
  const auto line = [&](bool muted) {
    auto* label = new ElidedLabel(m_body);
    if (muted) label->setProperty("kind", QStringLiteral("muted"));
    label->setContentsMargins(14, 0, 14, 0);
    label->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Fixed);
    rows->addWidget(label);
    return label;
  };
  m_summary = line(true);
  m_canvas = new TimelineCanvas(trace, selection, m_body);
  m_heading = line(false);
  rows->addWidget(m_canvas, 1);
  m_note = new QLabel(m_body);
  m_note->setProperty("kind", QStringLiteral("muted"));
  m_note->setWordWrap(true);
  m_note->setContentsMargins(14, 0, 14, 0);
  rows->addWidget(m_note);

  m_timer.setSingleShot(true);
  m_timer.setInterval(kRefreshMs);
  connect(&m_timer, &QTimer::timeout, this, &TimelineView::refresh);
  connect(&m_timer, &QTimer::timeout, this, &TimelineView::refreshSummary);
  connect(&m_trace, &BranchTrace::wasReset, this, [this] {
    refreshSummary();
    refresh();
    m_canvas->follow();
  });
  connect(&m_trace, &BranchTrace::grew, this, [this] {
    m_canvas->follow();
    refreshSoon();
  });
  connect(&m_source, &InspectSource::modelChanged, this, &TimelineView::refreshSoon);
  connect(&m_selection, &Selection::shownChanged, this, &TimelineView::refresh);
  connect(&Theme::notifier(), &Theme::Notifier::changed, this, &TimelineView::refresh);
  refreshSummary();
  refresh();
}

QString TimelineView::heading() const {
  return m_heading->text();
}
QString TimelineView::note() const {
  return m_note->text();
}
QString TimelineView::summary() const {
  return m_summary->text();
}

void TimelineView::refreshSoon() {
  if (!m_timer.isActive()) m_timer.start();
}

void TimelineView::refreshSummary() {
  m_summary->setText(costText(m_trace));
  m_summary->setVisible(!m_summary->text().isEmpty());
}

// The token that is looked at; while none is, the newest.
void TimelineView::refresh() {
  const bool any = m_trace.size() > 0;
  m_empty->setVisible(!any);
  m_body->setVisible(any);
  if (!any) {
    m_canvas->setTimeline({}, std::nullopt);
    return;
  }
  const auto event = m_selection.shown();
  const int index = (event ? m_trace.indexOf(*event) : std::nullopt).value_or(m_trace.size() - 1);
  StepTimeline timeline = timelineOf(m_trace, m_source, index);
  m_heading->setText(timeline.heading);
  m_note->setText(timeline.note);
  m_note->setVisible(!timeline.note.isEmpty());
  m_canvas->setTimeline(std::move(timeline), index);
  if (event) m_canvas->reveal(index);
}

}  // namespace mneme

#include "moc_timeline_view.cpp"
