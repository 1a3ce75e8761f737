#include "common/config/document.hpp"

#include <yaml-cpp/emitter.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>
#include <utility>

namespace hookfleet::config {
namespace {

Mark place(const YAML::Mark& mark) { return {mark.line + 1, mark.column + 1}; }

// Leaves yaml-cpp's parser; caught in parse().
struct Broken {
  Fault fault;
};

// Builds our own tree from events, not YAML::Node: that keeps no place of keys, hides duplicates and expands aliases.
class Builder final : public YAML::EventHandler {
 public:
  explicit Builder(Document& document) : document_(document) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) throw Broken{{place(mark), "a second YAML document begins here; keep one"}};
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { scalar(Node::Kind::kNothing, mark, anchor, {}); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { refuse_anchor(mark); }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor, const std::string& value) override {
    scalar(Node::Kind::kText, mark, anchor, value);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    open(Node::Kind::kList, mark, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    open(Node::Kind::kMap, mark, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Frame {
    Node node;
    std::optional<Member> member;  // whose value comes next
    std::map<std::string, Mark> names;
  };

  [[noreturn]] static void refuse_anchor(const YAML::Mark& mark) {
    throw Broken{
        {place(mark), "anchors (&name) and aliases (*name) are not supported; write the value out, or quote a text that begins so"}};
  }
  bool key_comes() const { return !frames_.empty() && frames_.back().node.kind == Node::Kind::kMap && !frames_.back().member; }

  void count(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != 0) refuse_anchor(mark);
    if (++values_ > kValuesMax) throw Broken{{place(mark), "more than " + std::to_string(kValuesMax) + " values; settings are few"}};
  }
  void scalar(Node::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor, const std::string& value) {
    count(mark, anchor);
    if (!key_comes()) {
      Node node;
      node.kind = kind;
      node.mark = place(mark);
      node.text = value;
      return attach(std::move(node));
    }
    if (kind == Node::Kind::kNothing) throw Broken{{place(mark), "a key is missing before the colon"}};
    Frame& frame = frames_.back();
    auto [known, fresh] = frame.names.emplace(value, place(mark));
    if (!fresh) {
      document_.faults.push_back(
          {place(mark), '"' + value + "\" is given a second time, first in line " + std::to_string(known->second.line) + "; keep one"});
    }
    frame.member = Member{value, place(mark), {}};
  }
  void open(Node::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    count(mark, anchor);
    if (key_comes()) throw Broken{{place(mark), "a key must be a text, not a list or a map; quote a text that begins with [ or {"}};
    if (frames_.size() == kDepthMax) throw Broken{{place(mark), "nested deeper than " + std::to_string(kDepthMax) + " levels"}};
    Frame frame;
    frame.node.kind = kind;
    frame.node.mark = place(mark);
    frames_.push_back(std::move(frame));
  }
  void close() {
    Node node = std::move(frames_.back().node);
    frames_.pop_back();
    attach(std::move(node));
  }
  void attach(Node node) {
    if (frames_.empty()) {
      document_.root = std::move(node);
    } else if (Frame& frame = frames_.back(); frame.node.kind == Node::Kind::kList) {
      frame.node.items.push_back(std::move(node));
    } else {
      frame.member->value = std::move(node);
      frame.node.members.push_back(*std::exchange(frame.member, std::nullopt));
    }
  }

  Document& document_;
  std::vector<Frame> frames_;
  std::size_t values_ = 0;
  int documents_ = 0;
};

}  // namespace

Document parse(const std::string& text) {
  Document document;
  const auto broken = [&document](Mark mark, std::string message) {
    document.root = {};
    document.faults = {{mark, std::move(message)}};
    document.broken = true;
  };
  // yaml-cpp ends there without a word.
  if (const std::size_t nul = text.find('\0'); nul != std::string::npos) {
    const auto line = std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(nul), '\n');
    broken({static_cast<int>(line) + 1, 1}, "this line has a NUL byte; write the file as UTF-8");
    return document;
  }
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    Builder builder(document);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (Broken& found) {
    broken(found.fault.mark, std::move(found.fault.message));
  } catch (const YAML::Exception& error) {
    broken(place(error.mark), "the YAML is broken here or just before: " + error.msg);
  } catch (const std::exception& error) {
    broken({}, std::string("can't be read as YAML: ") + error.what());
  }
  return document;
}

std::string yaml(const std::string& text) {
  YAML::Emitter emitter;
  emitter << text;
  return emitter.c_str();
}

std::string yaml(const std::vector<std::string>& texts) {
  YAML::Emitter emitter;
  emitter << YAML::Flow << YAML::BeginSeq;
  for (const std::string& text : texts) emitter << text;
  emitter << YAML::EndSeq;
  return emitter.c_str();
}

}  // namespace hookfleet::config
