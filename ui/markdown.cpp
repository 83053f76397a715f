// SPDX-License-Identifier: Apache-2.0
#include "ui/markdown.h"

#include <md4c.h>

#include <QByteArray>
#include <algorithm>
#include <limits>

namespace mneme {
namespace {

constexpr std::size_t kNestingMax = 16;  // deeper quotes and lists are drawn at this depth
constexpr int kColumnsMax = 64;
// Beyond any answer that is meant to be read; each costs a layout. md4c fills short rows up: a
// small text can ask for millions of cells.
constexpr int kCellsMax = 4000;
constexpr std::size_t kBlocksMax = 2000;
constexpr int kSpansMax = 4000;
// md4c looks back over the paragraph at each "www.".
constexpr qsizetype kWebNamesMax = 1000;

QString toText(const MD_CHAR* text, MD_SIZE size) {
  return QString::fromUtf8(text, static_cast<qsizetype>(size));
}

// Positions of characters in the UTF-16 source, for pointers into its UTF-8 form that mostly
// ascend.
class Places {
 public:
  explicit Places(const QByteArray& bytes) : m_bytes(bytes) {}

  // -1: not a pointer into the source (md4c passes texts of its own for breaks and indents).
  int of(const MD_CHAR* text) {
    if (text < m_bytes.constData() || text > m_bytes.constData() + m_bytes.size()) return -1;
    const qsizetype byte = text - m_bytes.constData();
    if (byte < m_byte) m_byte = m_place = 0;
    for (; m_byte < byte; ++m_byte) {
      const auto c = static_cast<unsigned char>(m_bytes[m_byte]);
      if ((c & 0xC0) != 0x80) m_place += c >= 0xF0 ? 2 : 1;
    }
    return static_cast<int>(m_place);
  }

 private:
  const QByteArray& m_bytes;
  qsizetype m_byte = 0;
  qsizetype m_place = 0;
};

// The few entities that people write; others stay as they are.
QString entity(const QString& name) {
  if (name == QLatin1String("&amp;")) return QStringLiteral("&");
  if (name == QLatin1String("&lt;")) return QStringLiteral("<");
  if (name == QLatin1String("&gt;")) return QStringLiteral(">");
  if (name == QLatin1String("&quot;")) return QStringLiteral("\"");
  if (name == QLatin1String("&nbsp;")) return QString(QChar(0xA0));
  if (name.startsWith(QLatin1String("&#")) && name.endsWith(QLatin1Char(';'))) {
    const bool hex = name.size() > 3 && name[2].toLower() == QLatin1Char('x');
    bool ok = false;
    const uint code = hex ? name.mid(3, name.size() - 4).toUInt(&ok, 16)
                          : name.mid(2, name.size() - 3).toUInt(&ok, 10);
    if (ok && code > 31 && code <= 0x10FFFF && !QChar::isSurrogate(code)) {
      const char32_t one = code;
      return QString::fromUcs4(&one, 1);
    }
  }
  return name;
}

struct List {
  bool ordered = false;
  bool tight = false;
  unsigned next = 1;
  QChar mark = QLatin1Char('.');
};

// md4c calls back per block, span and text; this turns the calls into a flat list.
class Parser {
 public:
  Parser(const QString& source, int from, const QByteArray& bytes)
      : m_source(source), m_from(from), m_places(bytes), m_end(from) {}

  ParsedMarkdown result;
  std::vector<MarkdownBlock>& blocks = result.blocks;

  bool isTooBig() const {
    return m_cells > kCellsMax || blocks.size() > kBlocksMax || m_spans > kSpansMax;
  }

  void enterBlock(MD_BLOCKTYPE type, void* detail) {
    if (type != MD_BLOCK_DOC && m_depth++ == 0) enterTop(type, detail);
    switch (type) {
      case MD_BLOCK_QUOTE:
        ++m_quotes;
        break;
      case MD_BLOCK_UL:
        m_lists.push_back({false, static_cast<MD_BLOCK_UL_DETAIL*>(detail)->is_tight != 0});
        break;
      case MD_BLOCK_OL: {
        const auto* d = static_cast<MD_BLOCK_OL_DETAIL*>(detail);
        m_lists.push_back({true, d->is_tight != 0, d->start, QLatin1Char(d->mark_delimiter)});
        break;
      }
      case MD_BLOCK_LI:
        enterItem(*static_cast<MD_BLOCK_LI_DETAIL*>(detail));
        break;
      case MD_BLOCK_HR:
        begin(MarkdownBlock::Kind::rule);
        break;
      case MD_BLOCK_H:
        begin(MarkdownBlock::Kind::heading);
        blocks.back().level = static_cast<int>(static_cast<MD_BLOCK_H_DETAIL*>(detail)->level);
        break;
      case MD_BLOCK_CODE: {
        const auto* d = static_cast<MD_BLOCK_CODE_DETAIL*>(detail);
        begin(MarkdownBlock::Kind::code);
        m_fence = d->fence_char == '\0' ? QString() : QString(3, QLatin1Char(d->fence_char));
        passFence();
        blocks.back().language = toText(d->lang.text, d->lang.size);
        break;
      }
      case MD_BLOCK_HTML:
      case MD_BLOCK_P:
        begin(MarkdownBlock::Kind::paragraph);
        break;
      case MD_BLOCK_TABLE:
        begin(MarkdownBlock::Kind::table);
        blocks.back().alignments.assign(
            std::min<unsigned>(static_cast<MD_BLOCK_TABLE_DETAIL*>(detail)->col_count, kColumnsMax),
            Qt::AlignLeft);
        break;
      case MD_BLOCK_TR:
        blocks.back().rows.emplace_back();
        m_column = 0;
        break;
      case MD_BLOCK_TH:
      case MD_BLOCK_TD:
        enterCell(*static_cast<MD_BLOCK_TD_DETAIL*>(detail));
        break;
      default:
        break;
    }
  }

  void leaveBlock(MD_BLOCKTYPE type) {
    if (type != MD_BLOCK_DOC) --m_depth;
    switch (type) {
      case MD_BLOCK_QUOTE:
        --m_quotes;
        break;
      case MD_BLOCK_UL:
      case MD_BLOCK_OL:
        m_lists.pop_back();
        break;
      case MD_BLOCK_LI:
        // An item without text still shows its marker.
        if (!m_marker.isEmpty()) begin(MarkdownBlock::Kind::paragraph);
        m_open = nullptr;
        break;
      case MD_BLOCK_CODE:
        if (m_open != nullptr && m_open->text.endsWith(QLatin1Char('\n'))) chopBreak();
        m_open = nullptr;
        passFence();
        break;
      case MD_BLOCK_HTML:
        while (m_open != nullptr && m_open->text.endsWith(QLatin1Char('\n'))) chopBreak();
        m_open = nullptr;
        break;
      case MD_BLOCK_P:
      case MD_BLOCK_H:
      case MD_BLOCK_HR:
      case MD_BLOCK_TH:
      case MD_BLOCK_TD:
        m_open = nullptr;
        break;
      default:
        break;
    }
  }

  void span(MD_SPANTYPE type, void* detail, int step) {
    switch (type) {
      case MD_SPAN_EM:
        m_italic += step;
        break;
      case MD_SPAN_STRONG:
        m_bold += step;
        break;
      case MD_SPAN_CODE:
        m_code += step;
        break;
      case MD_SPAN_DEL:
        m_strike += step;
        break;
      case MD_SPAN_A:
        if (step > 0) {
          const auto* d = static_cast<MD_SPAN_A_DETAIL*>(detail);
          m_links.push_back(toText(d->href.text, d->href.size));
        } else if (!m_links.empty()) {
          m_links.pop_back();
        }
        break;
      default:
        break;
    }
  }

  void text(MD_TEXTTYPE type, const MD_CHAR* text, MD_SIZE size) {
    switch (type) {
      case MD_TEXT_NULLCHAR:
        append(QString(QChar(0xFFFD)), m_places.of(text), 1);
        break;
      case MD_TEXT_BR:
      case MD_TEXT_SOFTBR:  // models break lines where they mean it: verses, addresses
        appendBreak(QChar(QChar::LineSeparator));
        break;
      case MD_TEXT_ENTITY:
        append(entity(toText(text, size)), m_places.of(text), static_cast<int>(size));
        break;
      default:
        if (size == 1 && *text == '\n') {
          appendBreak(QLatin1Char('\n'));
          break;
        }
        const QString piece = toText(text, size);
        append(piece, m_places.of(text), static_cast<int>(piece.size()));
    }
  }

 private:
  // A block outside of all others begins. What stands before it is settled if a blank line lies
  // between: then neither can a paragraph go on, nor a list or a quote.
  void enterTop(MD_BLOCKTYPE type, void* detail) {
    m_listStarted = false;
    m_candidate = -1;
    if (blocks.empty() || m_textless) return;
    const qsizetype line = blankLineBehind(m_end);
    if (line < 0) return;
    // Not a blank line inside the new block, which a fence in the line above could have opened.
    QStringView rest = QStringView(m_source).mid(line + 1);
    if (type == MD_BLOCK_CODE) {
      const char fence = static_cast<MD_BLOCK_CODE_DETAIL*>(detail)->fence_char;
      if (fence == '\0' || !rest.trimmed().startsWith(QString(3, QLatin1Char(fence)))) return;
    }
    m_candidate = static_cast<int>(line) + 1;
    m_candidateBlocks = blocks.size();
  }

  // The end of the first blank line below the line of `place`; -1 = none. Places ascend, so that
  // what was found last is the answer for many of them.
  qsizetype blankLineBehind(qsizetype place) {
    if (m_blankAsked && (m_blank < 0 || m_lineBeforeBlank >= place)) return m_blank;
    m_blankAsked = true;
    m_blank = -1;
    qsizetype line = m_source.indexOf(QLatin1Char('\n'), place);
    while (line >= 0 && m_blank < 0) {
      const qsizetype next = m_source.indexOf(QLatin1Char('\n'), line + 1);
      if (next < 0) break;
      if (QStringView(m_source).mid(line + 1, next - line - 1).trimmed().isEmpty()) {
        m_lineBeforeBlank = line;
        m_blank = next;
      }
      line = next;
    }
    return m_blank;
  }

  // The first text of the block after a candidate proves that nothing was passed over.
  void settle(int place) {
    if (m_candidate < 0) return;
    if (place >= m_candidate) {
      result.settled = m_candidateBlocks;
      result.settledEnd = m_candidate;
    }
    m_candidate = -1;
  }

  // Beyond the line of a code block's fence, so that a blank line behind it is found where it is.
  void passFence() {
    if (m_fence.isEmpty()) return;
    const qsizetype fence = m_source.indexOf(m_fence, m_end);
    if (fence < 0 || !QStringView(m_source).mid(m_end, fence - m_end).trimmed().isEmpty()) return;
    const qsizetype end = m_source.indexOf(QLatin1Char('\n'), fence);
    m_end = static_cast<int>(end < 0 ? m_source.size() : end + (m_open != nullptr ? 1 : 0));
  }

  void chopBreak() {
    if (m_open->runs.empty()) {
      m_open->text.chop(1);
      return;
    }
    m_open->text.chop(1);
    SourceRun& last = m_open->runs.back();
    --last.length;
    --last.sourceLength;
    if (last.length == 0) m_open->runs.pop_back();
  }

  void begin(MarkdownBlock::Kind kind) {
    MarkdownBlock block;
    block.kind = kind;
    block.quoteDepth = static_cast<int>(std::min(m_quotes, kNestingMax));
    block.listDepth = static_cast<int>(std::min(m_lists.size(), kNestingMax));
    block.marker = m_marker;
    block.tight = !m_lists.empty() && m_lists.back().tight && m_listStarted;
    m_marker.clear();
    m_listStarted = !m_lists.empty();
    if (blocks.size() > m_candidateBlocks) m_candidate = -1;  // one without text came before
    m_textless = true;
    blocks.push_back(std::move(block));
    m_open = &blocks.back().text;
  }

  void enterItem(const MD_BLOCK_LI_DETAIL& detail) {
    if (!m_marker.isEmpty()) begin(MarkdownBlock::Kind::paragraph);  // "- - a": an empty outer item
    List& list = m_lists.back();
    if (detail.is_task != 0) {
      m_marker = QString(QChar(detail.task_mark == ' ' ? 0x2610 : 0x2611));
    } else if (list.ordered) {
      m_marker = QString::number(list.next) + list.mark;
    } else {
      m_marker = QString(QChar(m_lists.size() % 2 == 1 ? 0x2022 : 0x25E6));
    }
    if (list.next < std::numeric_limits<unsigned>::max()) ++list.next;
    // In a tight list md4c reports no paragraph: text comes straight after the item.
    if (list.tight) m_open = nullptr;
  }

  void enterCell(const MD_BLOCK_TD_DETAIL& detail) {
    MarkdownBlock& table = blocks.back();
    auto& row = table.rows.back();
    row.emplace_back();
    if (m_column < static_cast<int>(table.alignments.size())) {
      if (detail.align == MD_ALIGN_CENTER) table.alignments[m_column] = Qt::AlignHCenter;
      if (detail.align == MD_ALIGN_RIGHT) table.alignments[m_column] = Qt::AlignRight;
    }
    ++m_column;
    ++m_cells;
    m_open = &row.back();
  }

  // md4c does not say where a break stood: at the next line's end.
  void appendBreak(QChar shown) {
    const qsizetype place = m_source.indexOf(QLatin1Char('\n'), m_end);
    const bool textless = m_textless;
    append(QString(shown), place < 0 ? -1 : static_cast<int>(place) - m_from, 1);
    m_textless = textless;
  }

  // `place` and `placeLength` in the part that is parsed; -1 = not from the source.
  void append(const QString& piece, int place, int placeLength) {
    if (piece.isEmpty()) return;
    if (m_open == nullptr) begin(MarkdownBlock::Kind::paragraph);
    if (place >= 0) {
      settle(place + m_from);
      m_textless = false;
      addRun({static_cast<int>(m_open->text.size()), static_cast<int>(piece.size()), place + m_from,
              placeLength});
    }
    const bool inCode = blocks.back().kind == MarkdownBlock::Kind::code;
    if (!inCode && (m_bold > 0 || m_italic > 0 || m_code > 0 || m_strike > 0 || !m_links.empty())) {
      MarkdownSpan span;
      span.start = static_cast<int>(m_open->text.size());
      span.length = static_cast<int>(piece.size());
      span.bold = m_bold > 0;
      span.italic = m_italic > 0;
      span.code = m_code > 0;
      span.strike = m_strike > 0;
      if (!m_links.empty()) span.link = m_links.back();
      addSpan(std::move(span));
    }
    m_open->text += piece;
  }

  void addSpan(MarkdownSpan span) {
    if (!m_open->spans.empty()) {
      MarkdownSpan& last = m_open->spans.back();
      MarkdownSpan longer = span;
      longer.start = last.start;
      longer.length = last.length;
      if (longer == last && last.start + last.length == span.start) {
        last.length += span.length;
        return;
      }
    }
    m_open->spans.push_back(std::move(span));
    ++m_spans;
  }

  void addRun(const SourceRun& run) {
    m_end = run.source + run.sourceLength;
    if (!m_open->runs.empty()) {
      SourceRun& last = m_open->runs.back();
      if (last.length == last.sourceLength && run.length == run.sourceLength &&
          last.start + last.length == run.start && last.source + last.length == run.source) {
        last.length += run.length;
        last.sourceLength += run.length;
        return;
      }
    }
    m_open->runs.push_back(run);
  }

  const QString& m_source;
  const int m_from;
  Places m_places;
  int m_end;               // of the source that was shown so far
  bool m_textless = true;  // the last block holds no text so far: where it stands is not known
  int m_depth = 0;
  int m_candidate = -1;  // where a settled part might end
  std::size_t m_candidateBlocks = 0;
  bool m_blankAsked = false;
  qsizetype m_blank = -1;  // what blankLineBehind() said last
  qsizetype m_lineBeforeBlank = 0;

  std::size_t m_quotes = 0;
  std::vector<List> m_lists;
  QString m_fence;  // of the code block
  QString m_marker;
  bool m_listStarted = false;
  MarkdownText* m_open = nullptr;  // into `blocks`; set again whenever a block is added
  int m_column = 0;
  int m_cells = 0;
  int m_spans = 0;
  int m_bold = 0;
  int m_italic = 0;
  int m_code = 0;
  int m_strike = 0;
  std::vector<QString> m_links;
};

Parser& parser(void* user) {
  return *static_cast<Parser*>(user);
}

}  // namespace

MarkdownBlock plainBlock(const QString& text, int from) {
  MarkdownBlock block;
  block.text.text = text.mid(from);
  const auto length = static_cast<int>(block.text.text.size());
  block.text.runs.push_back({0, length, from, length});
  return block;
}

ParsedMarkdown parseMarkdown(const QString& source, int from) {
  MD_PARSER callbacks{};
  callbacks.flags = MD_DIALECT_GITHUB | MD_FLAG_NOHTML;
  if (source.count(QLatin1String("www.")) > kWebNamesMax) {
    callbacks.flags &= ~static_cast<unsigned>(MD_FLAG_PERMISSIVEWWWAUTOLINKS);
  }
  callbacks.enter_block = [](MD_BLOCKTYPE type, void* detail, void* user) {
    parser(user).enterBlock(type, detail);
    return parser(user).isTooBig() ? 1 : 0;
  };
  callbacks.leave_block = [](MD_BLOCKTYPE type, void*, void* user) {
    parser(user).leaveBlock(type);
    return 0;
  };
  callbacks.enter_span = [](MD_SPANTYPE type, void* detail, void* user) {
    parser(user).span(type, detail, 1);
    return parser(user).isTooBig() ? 1 : 0;
  };
  callbacks.leave_span = [](MD_SPANTYPE type, void* detail, void* user) {
    parser(user).span(type, detail, -1);
    return 0;
  };
  callbacks.text = [](MD_TEXTTYPE type, const MD_CHAR* text, MD_SIZE size, void* user) {
    parser(user).text(type, text, size);
    return 0;
  };
  const QByteArray bytes = QStringView(source).mid(from).toUtf8();
  Parser parsed(source, from, bytes);
  const int failed =
      md_parse(bytes.constData(), static_cast<MD_SIZE>(bytes.size()), &callbacks, &parsed);
  if (failed != 0 || parsed.isTooBig()) return {{plainBlock(source, from)}, 0, from};
  // A definition of a link is looked up from anywhere in the text.
  if (source.contains(QLatin1String("]:"))) parsed.result.settled = 0;
  if (parsed.result.settled == 0) parsed.result.settledEnd = from;
  return std::move(parsed.result);
}

}  // namespace mneme
