#include "common/redis/parser.hpp"

#include <hiredis/hiredis.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include "common/base/check.hpp"
#include "common/redis/node.hpp"

namespace hookfleet::redis {
namespace {

constexpr std::size_t kFirstBlock = 240;  // an XADD's reply, or a short array
constexpr std::size_t kLastBlock = 128UL * 1024;
constexpr std::size_t kReaderKeeps = 1024UL * 1024;  // hiredis' default of 16 KiB would free the buffer after every large reply

}  // namespace

void Reply::Free::operator()(Block* block) const noexcept {
  while (block != nullptr) std::free(std::exchange(block, block->next));  // NOLINT(cppcoreguidelines-no-malloc)
}

/// hiredis calls these while it reads; a null result makes it stop with an error.
struct Parser::Functions {
  static Parser& parser(const redisReadTask* task) { return *static_cast<Parser*>(task->privdata); }

  static void* text(const redisReadTask* task, char* bytes, std::size_t size) {
    Node* node = parser(task).place(task);
    auto* copy = static_cast<char*>(parser(task).allocate(size, 1));
    if (node == nullptr || copy == nullptr) return nullptr;
    std::memcpy(copy, bytes, size);
    node->type = task->type == REDIS_REPLY_ERROR    ? Node::Type::kError
                 : task->type == REDIS_REPLY_STATUS ? Node::Type::kStatus
                                                    : Node::Type::kBulk;
    node->size = size;
    node->text = copy;
    return node;
  }
  static void* array(const redisReadTask* task, int elements) {
    const auto count = static_cast<std::size_t>(elements);
    Node* node = count > kElementsMax ? nullptr : parser(task).place(task);
    // Left uninitialised: each element is made before the reply can be seen, and a huge announcement touches no memory.
    auto* nodes = node == nullptr ? nullptr : static_cast<Node*>(parser(task).allocate(count * sizeof(Node), alignof(Node)));
    if (nodes == nullptr) return nullptr;
    node->type = Node::Type::kArray;
    node->size = count;
    node->elements = nodes;
    return node;
  }
  static void* integer(const redisReadTask* task, long long value) {
    Node* node = parser(task).place(task);
    if (node == nullptr) return nullptr;
    node->type = Node::Type::kInteger;
    node->size = 0;
    node->integer = value;
    return node;
  }
  static void* nil(const redisReadTask* task) {
    Node* node = parser(task).place(task);
    if (node == nullptr) return nullptr;
    node->type = Node::Type::kNil;
    node->size = 0;
    node->text = "";
    return node;
  }
  static void free(void* /*node*/) {}  // the blocks own all nodes

  static redisReplyObjectFunctions* table() {
    static redisReplyObjectFunctions functions{&text, &array, &integer, &nil, &free};  // hiredis wants it mutable, and only reads it
    return &functions;
  }
};

Parser::Parser() : reader_(redisReaderCreateWithFunctions(Functions::table())) {
  HOOKFLEET_CHECK(reader_ != nullptr);
  reader_->privdata = this;
  reader_->maxbuf = kReaderKeeps;
}

Parser::~Parser() = default;

void Parser::FreeReader::operator()(redisReader* reader) const noexcept { redisReaderFree(reader); }

void* Parser::allocate(std::size_t bytes, std::size_t alignment) {
  Reply::Block* block = blocks_.get();
  std::size_t at = block == nullptr ? 0 : (block->used + alignment - 1) / alignment * alignment;
  if (block == nullptr || at + bytes > block->capacity) {
    const std::size_t usual = block == nullptr ? kFirstBlock : std::min(block->capacity * 4, kLastBlock);
    const std::size_t capacity = std::max(bytes, usual);
    void* memory =
        std::malloc(sizeof(Reply::Block) + capacity);  // NOLINT(cppcoreguidelines-no-malloc): null instead of an exception through C
    if (memory == nullptr) return nullptr;
    // A text larger than a block gets its own, behind the current one, which still has room.
    if (block != nullptr && capacity > usual) {
      auto* own = new (memory) Reply::Block{block->next, capacity, bytes};
      block->next = own;
      return own + 1;
    }
    block = new (memory) Reply::Block{blocks_.release(), capacity, 0};
    blocks_.reset(block);
    at = 0;
  }
  block->used = at + bytes;
  return reinterpret_cast<char*>(block + 1) + at;
}

Node* Parser::place(const redisReadTask* task) {
  if (task->parent == nullptr) return static_cast<Node*>(allocate(sizeof(Node), alignof(Node)));
  const auto* parent = static_cast<const Node*>(task->parent->obj);
  return const_cast<Node*>(parent->elements) + task->idx;
}

bool Parser::feed(std::string_view bytes) {
  if (reader_->len - reader_->pos + bytes.size() > kUnfinishedMax) return false;
  return redisReaderFeed(reader_.get(), bytes.data(), bytes.size()) == REDIS_OK;
}

bool Parser::empty() const { return reader_->ridx < 0 && reader_->pos == reader_->len; }

tl::expected<std::optional<Reply>, Error> Parser::next() {
  void* root = nullptr;
  reader_->privdata = this;
  if (redisReaderGetReply(reader_.get(), &root) != REDIS_OK) {
    return tl::unexpected(Error{ErrorKind::kProtocol, std::string("not a Redis reply: ") + reader_->errstr});
  }
  if (root == nullptr) return std::nullopt;
  return Reply(std::move(blocks_), static_cast<const Node*>(root));
}

}  // namespace hookfleet::redis
