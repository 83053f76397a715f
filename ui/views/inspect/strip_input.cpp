// SPDX-License-Identifier: Apache-2.0
// StripCanvas, the part that answers mouse and keys. Everything the mouse does has a key.
#include <QApplication>
#include <QHelpEvent>
#include <QKeyEvent>
#include <QToolTip>
#include <QWheelEvent>
#include <algorithm>
#include <cmath>

#include "ui/models/token_text.h"
#include "ui/views/inspect/strip_canvas.h"

namespace mneme {
namespace {

constexpr double kZoomStep = 1.25;

}  // namespace

void StripCanvas::mousePressEvent(QMouseEvent* event) {
  if (event->button() != Qt::LeftButton || m_data.size() == 0) return;
  m_dragX = event->position().x();
  m_dragFirst = m_first;
  m_moved = false;
  if (m_minimap.adjusted(-4, -4, 4, 4).contains(event->position().toPoint())) {
    m_drag = Drag::minimap;
    mouseMoveEvent(event);
  } else {
    m_drag = Drag::pan;
  }
}

void StripCanvas::mouseMoveEvent(QMouseEvent* event) {
  const double x = event->position().x();
  if (m_drag == Drag::minimap) {
    const double share = (x - m_minimap.left()) / std::max(1, m_minimap.width());
    setView(share * m_data.size() - rowsRect().width() / m_scale / 2, m_scale);
    return;
  }
  if (m_drag == Drag::pan) {
    m_moved |= std::abs(x - m_dragX) >= QApplication::startDragDistance();
    if (m_moved) setView(m_dragFirst - (x - m_dragX) / m_scale, m_scale);
    return;
  }
  const auto index = rowsRect().contains(event->position().toPoint()) ? tokenAtX(x) : std::nullopt;
  m_selection.hover(index ? std::optional(m_trace.eventAt(*index)) : std::nullopt);
}

void StripCanvas::mouseReleaseEvent(QMouseEvent* event) {
  const bool click = m_drag == Drag::pan && !m_moved;
  m_drag = Drag::none;
  if (!click || !rowsRect().contains(event->position().toPoint())) return;
  if (const auto index = tokenAtX(event->position().x())) m_selection.pin(m_trace.eventAt(*index));
}

void StripCanvas::leaveEvent(QEvent*) {
  m_selection.hover(std::nullopt);
}

void StripCanvas::wheelEvent(QWheelEvent* event) {
  const QPoint angle = event->angleDelta();
  if (event->modifiers() & Qt::ControlModifier) {
    zoom(std::pow(kZoomStep, angle.y() / 120.0), event->position().x());
  } else {
    const int turn = std::abs(angle.x()) > std::abs(angle.y()) ? angle.x() : angle.y();
    setView(m_first - turn / 120.0 * 90 / m_scale, m_scale);
  }
  event->accept();
}

void StripCanvas::step(int by) {
  if (m_data.size() == 0) return;
  const auto pinned = m_selection.pinned() ? m_trace.indexOf(*m_selection.pinned()) : std::nullopt;
  const int from = pinned ? *pinned : (by > 0 ? firstVisible() - 1 : endVisible());
  const int index = std::clamp(from + by, 0, m_data.size() - 1);
  m_selection.hover(std::nullopt);
  m_selection.pin(m_trace.eventAt(index));
}

void StripCanvas::keyPressEvent(QKeyEvent* event) {
  const QRect rows = rowsRect();
  const double page = rows.width() / m_scale;
  switch (event->key()) {
    case Qt::Key_W:
    case Qt::Key_Plus:
    case Qt::Key_Equal:
      zoom(kZoomStep, rows.center().x());
      return;
    case Qt::Key_S:
    case Qt::Key_Minus:
      zoom(1 / kZoomStep, rows.center().x());
      return;
    case Qt::Key_A:
      setView(m_first - page / 4, m_scale);
      return;
    case Qt::Key_D:
      setView(m_first + page / 4, m_scale);
      return;
    case Qt::Key_PageUp:
      setView(m_first - page, m_scale);
      return;
    case Qt::Key_PageDown:
      setView(m_first + page, m_scale);
      return;
    case Qt::Key_Home:
      setView(0, m_scale);
      return;
    case Qt::Key_End:
      setView(m_data.size(), m_scale);
      return;
    case Qt::Key_F:
      fitAll();
      return;
    case Qt::Key_Left:
      step(-1);
      return;
    case Qt::Key_Right:
      step(1);
      return;
    case Qt::Key_Escape:
      if (m_selection.shown()) {
        m_selection.clear();
        return;
      }
      break;
    default:
      break;
  }
  QWidget::keyPressEvent(event);
}

void StripCanvas::focusInEvent(QFocusEvent*) {
  update();
}

void StripCanvas::focusOutEvent(QFocusEvent*) {
  update();
}

bool StripCanvas::event(QEvent* event) {
  if (event->type() == QEvent::ToolTip) {
    const auto* help = static_cast<QHelpEvent*>(event);
    const auto index = rowsRect().contains(help->pos()) ? tokenAtX(help->pos().x()) : std::nullopt;
    if (index) {
      QToolTip::showText(help->globalPos(), describeToken(m_trace, m_source, *index), this);
    } else {
      QToolTip::hideText();
    }
    return true;
  }
  if (event->type() == QEvent::ShortcutOverride) {
    // Single letters and Esc are ours while the strip has the focus.
    const auto* key = static_cast<QKeyEvent*>(event);
    const bool plain = key->modifiers() == Qt::NoModifier;
    if (plain && (key->key() != Qt::Key_Escape || m_selection.shown().has_value())) {
      event->accept();
      return true;
    }
  }
  return QWidget::event(event);
}

}  // namespace mneme
