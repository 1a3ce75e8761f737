// Part of every program that links hookfleet::http and is built with the thread sanitizer. Debian's libpistache isn't instrumented: the
// sanitizer sees neither the atomics of its queue nor its reference counts, and takes what it hands between threads for races. So what an
// uninstrumented library touches by itself doesn't count, memory it frees neither: where a connection ends at once, the accepting thread
// is the last to hold what an event thread made. What our code touches counts.

// NOLINTBEGIN(bugprone-reserved-identifier): the names that the sanitizer looks for
extern "C" const char* __tsan_default_options();
extern "C" const char* __tsan_default_options() { return "ignore_noninstrumented_modules=1"; }

extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() {
  return "race:Pistache::Queue<\n"
         "race:Pistache::Async::\n"
         "race:Pistache::Http::Private::ParserImpl\n"
         "race:Pistache::Tcp::Transport::asyncWriteImpl\n"
         "race:Pistache::Tcp::Transport::handleWriteQueue\n"
         "race:Pistache::Tcp::Transport::removePeer\n";
}
// NOLINTEND(bugprone-reserved-identifier)
