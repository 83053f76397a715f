// SPDX-License-Identifier: Apache-2.0
#include "ui/views/inspect/strip_picture.h"

#include <QBuffer>
#include <QCoreApplication>
#include <QPainter>
#include <QSvgGenerator>
#include <algorithm>
#include <cmath>

#include "ui/format.h"
#include "ui/theme.h"
#include "ui/views/inspect/ink_legend.h"
#include "ui/views/inspect/strip_canvas.h"
#include "ui/views/inspect/tier_legend.h"

namespace mneme {
namespace {

constexpr int kWidthMin = 640;  // the legend has room
constexpr int kPictureGap = 18;

struct PictureWords {
  Q_DECLARE_TR_FUNCTIONS(mneme::StripPicture)
};

int pictureLineHeight() {
  return QFontMetrics(Theme::current().uiFont(0.95)).height();
}

QSize scaleSize() {
  return InkScale().sizeHint();
}

}  // namespace

StripPicture::StripPicture(const StripCanvas& shown, BranchTrace& trace, InspectSource& source)
    : m_source(source), m_canvas(std::make_unique<StripCanvas>(trace, m_selection, source)) {
  const double scale = shown.pixelsPerToken();
  // Tokens that are wholly in view; of more than one a pixel, all.
  const double right = shown.first() + shown.rowsRect().width() / scale;
  m_first =
      static_cast<int>(scale < 1 ? std::floor(shown.first()) : std::ceil(shown.first() - 0.1));
  m_end = std::min(shown.data().size(),
                   static_cast<int>(scale < 1 ? std::ceil(right) : std::floor(right + 0.1)));
  m_end = std::max(m_end, m_first);
  const int cells = static_cast<int>(std::ceil((m_end - m_first) * scale));
  m_canvas->setThreshold(shown.threshold());
  m_canvas->layOut({shown.left() + cells + StripCanvas::kMargin, shown.height()});
  m_canvas->setView(m_first, scale);
}

StripPicture::~StripPicture() = default;

QString StripPicture::caption() const {
  QStringList sentences;
  sentences << PictureWords::tr("Tokens %1 to %2 of %3")
                   .arg(format::count(m_first + 1), format::count(m_end),
                        format::count(m_canvas->data().size()));
  const double perPixel = 1 / m_canvas->pixelsPerToken();
  if (perPixel > 1) {
    sentences << PictureWords::tr("%1 tokens a pixel: above what stands out, below the mean")
                     .arg(format::count(std::lround(perPixel)));
  }
  if (const auto model = m_source.model()) {
    const ModelLayout& layout = model->layout;
    sentences << format::modelName(QString::fromStdString(layout.path),
                                   QString::fromStdString(layout.quantization));
    if (layout.memory && !layout.memory->trained) {
      sentences << PictureWords::tr("untrained n-gram memory: its gates mean nothing yet");
    }
  }
  return sentences.join(QStringLiteral(". ")) + QLatin1Char('.');
}

QSize StripPicture::size() const {
  return {std::max(kWidthMin, m_canvas->width()),
          m_canvas->height() + scaleSize().height() + 2 * pictureLineHeight() + 34};
}

void StripPicture::paint(QPainter* painter) const {
  painter->fillRect(QRect(QPoint(0, 0), size()), Theme::current().window);
  m_canvas->paintStrip(painter);
  paintLegend(painter, m_canvas->height() + 6);
  painter->setFont(Theme::current().uiFont(0.95));
  painter->setPen(Theme::current().textMuted);
  painter->drawText(QRect(StripCanvas::kMargin, size().height() - pictureLineHeight() - 10,
                          size().width() - 2 * StripCanvas::kMargin, pictureLineHeight() + 2),
                    Qt::AlignLeft | Qt::AlignVCenter, caption());
}

// The scale of each kind of row, and below them the tiers.
void StripPicture::paintLegend(QPainter* painter, int top) const {
  const QFont font = Theme::current().uiFont(0.95);
  const QFontMetrics metrics(font);
  int x = StripCanvas::kMargin;
  const bool memory = m_canvas->data().layers() > 0;
  const auto scale = [&](const QString& name, InkText::Measure measure) {
    painter->setFont(font);
    painter->setPen(Theme::current().textMuted);
    painter->drawText(QPointF(x, top + metrics.ascent() - 2), name);
    x += metrics.horizontalAdvance(name) + 4;
    painter->save();
    painter->translate(x, top);
    InkScale::paintScale(painter, scaleSize(), measure);
    painter->restore();
    x += scaleSize().width() + kPictureGap;
  };
  // Where there is no room for all, the first ones.
  const auto fits = [&](const QString& name) {
    return x + metrics.horizontalAdvance(name) + 4 + scaleSize().width() <= size().width();
  };
  if (memory) scale(PictureWords::tr("gate"), InkText::Measure::gate);
  if (memory && fits(PictureWords::tr("added")))
    scale(PictureWords::tr("added"), InkText::Measure::write);
  if (fits(PictureWords::tr("probability"))) {
    scale(PictureWords::tr("probability"), InkText::Measure::probability);
  }
  if (!memory) return;
  painter->save();
  painter->translate(StripCanvas::kMargin, top + scaleSize().height() + 4);
  const TierLegend tiers(m_source.tiers());
  tiers.paintAt(painter, size().width() - 2 * StripCanvas::kMargin);
  painter->restore();
}

QImage StripPicture::image(int scale) const {
  QImage image(size() * scale, QImage::Format_RGB32);
  image.setDevicePixelRatio(scale);
  QPainter painter(&image);
  paint(&painter);
  return image;
}

QByteArray StripPicture::svg() const {
  QByteArray bytes;
  QBuffer buffer(&bytes);
  QSvgGenerator generator;
  generator.setOutputDevice(&buffer);
  generator.setSize(size());
  generator.setViewBox(QRect(QPoint(0, 0), size()));
  generator.setTitle(PictureWords::tr("Token strip"));
  generator.setDescription(caption());
  QPainter painter(&generator);
  paint(&painter);
  painter.end();
  return bytes;
}

}  // namespace mneme
