// SPDX-License-Identifier: Apache-2.0
// A machine that boots Linux on Spike and records its vector units: firmware, kernel and initial RAM disk are put where
// the firmware stub expects them; the device tree and the console are Spike's own.
//
// The init program speaks by hints, `slti x0, x0, N` with a0 = address and a1 = length, which do nothing elsewhere.
// Python hears of them on the standard output, a line of JSON each; at the one that says where the KVM module is it
// answers on the standard input, with commands of `converse`.

#include <fesvr/term.h>
#include <sys/mman.h>

#include <cstdarg>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>

#include "fatal.h"
#include "recorder.h"
#include "spike.h"
#include "watch.h"

void fatal(const char* format, ...) {
  va_list list;
  va_start(list, format);
  vfprintf(stderr, format, list);
  va_end(list);
  fputc('\n', stderr);
  fflush(nullptr);
  _exit(3);
}

namespace {

constexpr uint64_t kBase = 0x80000000;
// The order is that of sw/linux_kvm/trace.c.
enum Hint : unsigned { kLine = 0x7c0, kNote, kEnd, kModule, kAfterHints };
constexpr uint64_t kSlice = 1 << 20;         // instructions between looks at the progress
constexpr uint64_t kAfterPanic = 20 << 20;   // instructions until the last words are on the console

std::map<std::string, std::string> options;
const std::string& option(const std::string& name) {
  auto found = options.find(name);
  if (found == options.end()) fatal("the recorder needs --%s", name.c_str());
  return found->second;
}
uint64_t number(const std::string& name) { return strtoull(option(name).c_str(), nullptr, 0); }

class Ram : public abstract_mem_t {
 public:
  explicit Ram(reg_t size) : size_(size) {
    void* bytes = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (bytes == MAP_FAILED) fatal("no memory for a machine with %lu MiB", (unsigned long)size >> 20);
    bytes_ = static_cast<char*>(bytes);
  }
  bool load(reg_t at, size_t size, uint8_t* to) override {
    if (at + size > size_) return false;
    memcpy(to, bytes_ + at, size);
    return true;
  }
  bool store(reg_t at, size_t size, const uint8_t* from) override {
    if (at + size > size_) return false;
    memcpy(bytes_ + at, from, size);
    return true;
  }
  char* contents(reg_t at) override { return bytes_ + at; }
  reg_t size() override { return size_; }
  void dump(std::ostream&) override {}

  void place(const std::string& data, uint64_t at) {
    if (at < kBase || at - kBase + data.size() > size_) fatal("%zu bytes at %#lx are more than RAM", data.size(), (unsigned long)at);
    memcpy(bytes_ + (at - kBase), data.data(), data.size());
  }

 private:
  char* bytes_;
  reg_t size_;
};

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream bytes;
  bytes << file.rdbuf();
  if (!file || bytes.str().empty()) fatal("cannot read %s", path.c_str());
  return bytes.str();
}

FILE* create(const std::string& path) {
  FILE* file = fopen(path.c_str(), "w");
  if (file == nullptr) fatal("cannot write %s", path.c_str());
  return file;
}

struct Machine {
  Recorder* recorder = nullptr;
  Watch* watch = nullptr;
  std::vector<processor_t*> harts;
  FILE *console = nullptr, *lines = nullptr;
  std::string line;                    // of the console, not yet ended
  std::string ended;                   // why, once it is over
  uint64_t steps = 0, last_note = 0, panic_at = 0;
  bool panicked = false;
} machine;

uint64_t instructions() {
  uint64_t sum = 0;
  for (processor_t* each : machine.harts) sum += each->get_state()->minstret->read();
  return sum;
}

std::string quoted(const std::string& text) {
  std::string found = "\"";
  for (unsigned char c : text) {
    if (c == '"' || c == '\\') found += '\\';
    found += c < ' ' ? '?' : c;
  }
  return found + '"';
}

void tell(const std::string& kind, const std::string& text) {
  const Recorder& recorder = *machine.recorder;
  uint64_t records = 0;
  for (uint64_t each : recorder.counts().records) records += each;
  printf("{\"kind\": %s, \"text\": %s, \"instructions\": %lu, \"records\": %lu, \"events\": %lu}\n", quoted(kind).c_str(),
         quoted(text).c_str(), (unsigned long)instructions(), (unsigned long)records,
         (unsigned long)recorder.events());
  fflush(stdout);
}

// What Python wants of the kernel, whose KVM module has just been loaded.
void converse() {
  std::string command, text;
  while (std::getline(std::cin, text)) {
    std::istringstream words(text);
    uint64_t start = 0, end = 0;
    words >> command >> std::hex;
    if (command == "go") return;
    if (command == "read") {
      words >> start >> end;
      std::string code;
      for (unsigned char byte : machine.watch->read(start, end - start)) {
        char digits[3];
        snprintf(digits, sizeof digits, "%02x", byte);
        code += digits;
      }
      tell("code", code);
    } else if (command == "write") {
      std::string digits, bytes;
      words >> start >> digits;
      for (size_t i = 0; i + 1 < digits.size(); i += 2) bytes += char(std::stoul(digits.substr(i, 2), nullptr, 16));
      machine.watch->write(start, bytes);
    } else if (command == "module") {
      words >> start >> end;
      machine.recorder->set_module(start, end);
    } else if (command == "watch") {
      std::string name, role;
      words >> start >> end >> name >> role;
      machine.watch->add(name, start, end, role);
    } else {
      fatal("there is no command %s", command.c_str());
    }
  }
  fatal("nobody says what to do with the KVM module");
}

void noted(const std::string& name) {
  machine.last_note = machine.steps;
  tell("note", name);
  machine.watch->note(name);
  if (!machine.recorder->recording() && name == option("from")) {
    machine.recorder->start(option("trace"), contents(option("head")));
    tell("recording", name);
  }
  if (name == option("until")) machine.ended = "until";
}

reg_t hint(processor_t* hart, insn_t insn, reg_t pc) {
  const auto* state = hart->get_state();
  reg_t address = state->XPR[10], size = state->XPR[11];
  unsigned which = insn.bits() >> 20;
  if (which == kEnd) {
    machine.ended = size ? "died" : "end";
    return pc + 4;
  }
  std::string bytes(size, 0);
  for (reg_t i = 0; i < size; ++i) bytes[i] = hart->get_mmu()->load<uint8_t>(address + i);
  if (which == kLine) {
    fwrite(bytes.data(), 1, size, machine.lines);
  } else if (which == kModule) {
    tell("module", bytes);
    converse();
  } else {
    noted(bytes);
  }
  return pc + 4;
}

void add_hints(processor_t* hart) {
  for (unsigned which = kLine; which < kAfterHints; ++which) {
    insn_desc_t each{};
    each.match = which << 20 | 0x2013;  // slti x0, x0, which
    each.mask = 0xffffffff;
    each.fast_rv32i = each.fast_rv64i = each.fast_rv32e = each.fast_rv64e = hint;
    each.logged_rv32i = each.logged_rv64i = each.logged_rv32e = each.logged_rv64e = hint;
    hart->instructions.insert(hart->instructions.begin(), each);
  }
}

// What the console says of how far the boot is.
void console_line(const std::string& line) {
  static const std::pair<const char*, const char*> milestones[] = {
      {"OpenSBI v", "firmware"}, {"Linux version", "kernel"}, {"Kernel panic", "panic"}};
  for (const auto& [text, name] : milestones)
    if (line.find(text) != std::string::npos) {
      tell("milestone", name);
      if (std::string(name) == "panic" && !machine.panicked) {
        machine.panicked = true;
        machine.panic_at = machine.steps;
      }
    }
}

// One line of numbers for whoever ends the recording.
void summary() {
  const Counts& counts = machine.recorder->counts();
  std::ostringstream text;
  text << "{\"kind\": \"end\", \"text\": " << quoted(machine.ended) << ", \"instructions\": " << instructions()
       << ", \"records\": {";
  for (int mode = 0; mode < kModes; ++mode)
    text << (mode ? ", " : "") << quoted(kModeNames[mode]) << ": " << counts.records[mode];
  text << "}, \"events\": " << machine.recorder->events() << ", \"brought\": " << counts.brought
       << ", \"skipped\": " << counts.skipped << ", \"stores\": " << machine.recorder->shadow().stores()
       << ", \"syncs\": " << machine.recorder->shadow().syncs() << ", \"pages\": " << machine.recorder->shadow().pages()
       << ", \"unsupported\": {";
  bool first = true;
  for (const auto& [name, count] : counts.unsupported) {
    text << (first ? "" : ", ") << quoted(name) << ": " << count;
    first = false;
  }
  text << "}, \"harts\": [";
  for (size_t i = 0; i < machine.harts.size(); ++i) {
    const auto* hart = machine.harts[i];
    text << (i ? ", " : "") << "{\"pc\": " << hart->state.pc << ", \"mode\": " << quoted(kModeNames[mode_of(hart->state)])
         << ", \"waits\": " << (hart->in_wfi ? "true" : "false") << "}";
  }
  text << "]}";
  puts(text.str().c_str());
}

}  // namespace

// Spike's console calls these, which its library has as well: the ones of the program come first.
void canonical_terminal_t::write(char c) {
  fputc(c, machine.console);
  if (c != '\n') {
    machine.line += c;
    return;
  }
  fflush(machine.console);
  console_line(machine.line);
  machine.line.clear();
}

int canonical_terminal_t::read() { return -1; }

int main(int count, char** arguments) {
  for (int i = 1; i < count; ++i) {
    std::string text = arguments[i];
    size_t equals = text.find('=');
    if (text.compare(0, 2, "--") != 0 || equals == std::string::npos) fatal("%s: must be --NAME=VALUE", arguments[i]);
    options[text.substr(2, equals - 2)] = text.substr(equals + 1);
  }
  uint64_t size = number("memory"), entry = number("stub-at");
  static Ram ram(size);
  ram.place(contents(option("firmware")), kBase);
  ram.place(contents(option("stub")), entry);
  ram.place(contents(option("kernel")), number("kernel-at"));
  std::string initrd = contents(option("initrd"));
  uint64_t initrd_at = (kBase + size - initrd.size()) & ~0xfffull;
  ram.place(initrd, initrd_at);

  static cfg_t config;
  config.isa = option("isa").c_str();
  config.priv = "msu";
  config.bootargs = option("bootargs").c_str();
  config.initrd_bounds = {initrd_at, initrd_at + initrd.size()};
  config.mem_layout = {mem_cfg_t(kBase, size)};
  config.start_pc = entry;
  config.hartids.clear();
  for (uint64_t i = 0; i < number("harts"); ++i) config.hartids.push_back(i);
  debug_module_config_t debug;
  static sim_t sim(&config, false, {{kBase, &ram}}, {}, false, {"none"}, debug, nullptr, true, nullptr, false, nullptr,
                   std::nullopt);
  machine.console = create(option("console"));
  machine.lines = create(option("lines"));
  for (size_t i = 0; i < config.hartids.size(); ++i) machine.harts.push_back(sim.get_core(i));
  static Recorder recorder(ram.contents(0), kBase, size, number("trace-ram"));
  static Watch watch(recorder, ram.contents(0), kBase, size, machine.harts, option("crossings"));
  machine.recorder = &recorder;
  machine.watch = &watch;
  for (processor_t* hart : machine.harts) {
    add_hints(hart);
    watch.add_hint(hart);
    hart->get_state()->mcountinhibit = std::make_shared<const_csr_t>(hart, CSR_MCOUNTINHIBIT, 0);  // Linux stops minstret
    recorder.attach(hart);
  }
  sim.set_rom();
  noted("reset");
  uint64_t patience = number("patience");
  while (machine.ended.empty()) {
    sim.step(kSlice);
    machine.steps += kSlice;
    if (machine.steps / kSlice % 64 == 0) {
      if (recorder.recording()) recorder.trace().flush();
      tell("progress", "");
    }
    if (machine.panicked && machine.steps - machine.panic_at > kAfterPanic) machine.ended = "panic";
    if (machine.ended.empty() && machine.steps - machine.last_note > patience) machine.ended = "hang";
  }
  if (recorder.recording()) {
    watch.close();
    recorder.trace().close();
  }
  fclose(machine.console);
  fclose(machine.lines);
  summary();
  fflush(nullptr);
  _exit(0);
}
