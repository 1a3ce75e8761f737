// Part of every program that links hookfleet::http and is built with the thread sanitizer. Debian's libpistache isn't instrumented: the
// sanitizer sees neither the atomics of its queue nor its reference counts, and takes what it hands between threads for races.
// NOLINTBEGIN(bugprone-reserved-identifier): the name that the sanitizer looks for
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
